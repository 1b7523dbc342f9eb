"""Settings of every service: read once in ``__main__`` from the environment and secret files, then passed down.

A variable is ``IPCC_<FIELD>`` (for all services) or ``IPCC_<SERVICE>__<FIELD>`` (for one; it wins). A service's own fields are
only read under its own name, so that one environment can serve all of them. Whatever begins with ``IPCC_`` and is not
understood is an error that names it: a misspelt variable must never pass for a default.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from ipcc.errors import Invalid
from ipcc.ids import NodeId

PREFIX = "IPCC_"

# The address plan of one machine; a service that is not in it cannot have variables of its own.
PORTS: Mapping[str, int] = {
    "ctiserver": 8101,
    "acd": 8102,
    "ivr": 8103,
    "record": 8104,
    "report": 8105,
    "monitor": 8106,
    "outbound": 8107,
    "admin": 8108,
    "bankcore": 8190,
}

# Variables with our prefix that belong to the test run and to the folder of secrets, not to a field.
NOT_FIELDS = frozenset(
    {
        "IPCC_SECRETS_DIR",
        "IPCC_LIVE_SWITCH",
        "IPCC_LIVE_ESL_PASSWORD_FILE",
        "IPCC_LIVE_SPOOL",
        "IPCC_LIVE_SOUNDS",
        "IPCC_LIVE_PHONE_PASSWORDS",
    }
)

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class SwitchAddress(BaseModel):
    """Where the event socket of one FreeSWITCH node listens; written ``node=host:port``."""

    model_config = ConfigDict(frozen=True)

    node_id: NodeId
    host: str
    port: int = Field(ge=1, le=65535)

    @classmethod
    def parse(cls, text: str) -> SwitchAddress:
        """Read ``fs1=10.0.0.5:8021``; the node's name may be left out (``host:port`` is named after its host)."""
        node, _, address = text.strip().rpartition("=")
        host, colon, port = address.rpartition(":")
        if not colon or not host or not port.isdecimal():
            raise ValueError(f"{text!r} is not node=host:port, for example fs1=127.0.0.1:8021")
        return cls(node_id=NodeId(node or host), host=host, port=int(port))


def _parse_switches(value: Any) -> Any:
    if isinstance(value, str):
        return [SwitchAddress.parse(part) for part in value.split(",") if part.strip()]
    return value


class ServiceSettings(BaseSettings):
    """What every service is told. A service derives its own class, names itself in ``service`` and adds its fields."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid")

    service: ClassVar[str] = ""

    instance_id: str = Field(
        "", description="Name of this replica, unique in the cluster; default host name and process."
    )
    http_host: str = Field(
        "127.0.0.1", description="Address the REST API listens on; loopback unless you say otherwise."
    )
    http_port: int = Field(0, ge=0, le=65535, description="Port of the REST API; 0 takes any free port.")
    kafka: str = Field(
        "memory", description="Kafka bootstrap servers host:port,host:port; `memory` is one process only."
    )
    kafka_session_timeout_s: float = Field(
        6.0,
        ge=0.5,
        le=60,
        description="So long after a process died another gets its work, in seconds; brokers refuse less than their "
        "group.min.session.timeout.ms.",
    )
    database_url: str = Field(
        "sqlite+aiosqlite:///{var_dir}/{service}.db",
        description="SQLAlchemy URL; {service} and {var_dir} are filled in. PostgreSQL: postgresql+asyncpg://user@host/db, "
        "each service in its own schema.",
    )
    database_password: SecretStr | None = Field(None, description="Password put into the database URL.")
    database_password_file: Path | None = Field(None, description="File that holds the database password.")
    switches: Annotated[tuple[SwitchAddress, ...], NoDecode, BeforeValidator(_parse_switches)] = Field(
        (), description="FreeSWITCH nodes as node=host:port, separated by commas."
    )
    esl_password: SecretStr | None = Field(None, description="Event-socket password of the nodes.")
    esl_password_file: Path | None = Field(None, description="File that holds the event-socket password.")
    var_dir: Path = Field(Path("var"), description="Folder for what the service writes on its own machine.")
    spool_dir: Path = Field(Path("var/spool"), description="Folder where the switch leaves recordings.")
    bankcore_url: str = Field("http://127.0.0.1:8190", description="Base URL of the bank's core systems.")
    bankcore_token: SecretStr | None = Field(None, description="Bearer token the bank's core systems ask for.")
    bankcore_token_file: Path | None = Field(None, description="File that holds the bank core token.")
    auth_mode: Literal["none", "dev", "jwt"] = Field(
        "dev",
        description="`jwt`: tokens of the bank's identity provider. `dev`: tokens made on this machine, key under var_dir. "
        "`none`: no check, on loopback only.",
    )
    jwt_key: SecretStr | None = Field(None, description="HS256 secret (32 bytes or more) or RS256 public key in PEM.")
    jwt_key_file: Path | None = Field(None, description="File that holds the JWT key.")
    jwt_issuer: str | None = Field(None, description="Required `iss` of a token, when set.")
    jwt_audience: str = Field("ipcc", description="Required `aud` of a token.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto`: console on a terminal, else JSON."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        own = EnvSettingsSource(settings_cls, env_prefix=f"{PREFIX}{cls.service.upper()}__")
        sources: list[PydanticBaseSettingsSource] = [init_settings, own, _SharedEnvironment(settings_cls)]
        folder = os.environ.get("IPCC_SECRETS_DIR")
        if folder:
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=folder, env_prefix=PREFIX))
        return tuple(sources)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_variables(cls, values: Any) -> Any:
        faults = [_explain_unknown(cls, name) for name in unknown_variables(cls, os.environ)]
        if faults:
            raise ValueError("; ".join(faults))
        return values

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        read = dict(values)
        for name, path in values.items():
            secret = name.removesuffix("_file")
            if secret != name and secret in cls.model_fields and path:
                read[secret] = read_secret(Path(path))
        return read

    @model_validator(mode="after")
    def _check_auth(self) -> Self:
        if self.auth_mode == "none" and self.http_host not in _LOOPBACK:
            raise ValueError(f"auth_mode none is for loopback only, and http_host is {self.http_host}: use jwt")
        if self.auth_mode == "jwt" and self.jwt_key is None:
            raise ValueError("auth_mode jwt needs jwt_key_file")
        return self

    @property
    def instance(self) -> str:
        """The name of this replica; defaults to service, host and process."""
        return self.instance_id or f"{self.service}-{socket.gethostname()}-{os.getpid()}"

    @property
    def database(self) -> str:
        """The database URL with service, folder and password filled in: a secret."""
        url = self.database_url.replace("{service}", self.service).replace("{var_dir}", str(self.var_dir))
        if url.startswith("postgresql://"):
            url = url.replace("postgresql://", "postgresql+asyncpg://", 1)
        if self.database_password is None:
            return url
        return _with_password(url, self.database_password.get_secret_value())


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


class _SharedEnvironment(EnvSettingsSource):
    """``IPCC_<FIELD>``, for the fields all services have."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if name in ServiceSettings.model_fields}


def read_secret(path: Path) -> str:
    """The content of a secret file without the line end; the error names the file, never its content."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"cannot read the secret file {path}: {error.strerror}") from None
    if not secret:
        raise ValueError(f"the secret file {path} is empty")
    return secret


def unknown_variables(cls: type[ServiceSettings], environment: Mapping[str, str]) -> list[str]:
    """Names in ``environment`` with our prefix that neither this service nor, as far as we can tell, another understands."""
    return sorted(
        name
        for name in environment
        if name.upper().startswith(PREFIX) and name.upper() not in NOT_FIELDS and not _is_understood(cls, name)
    )


def _is_understood(cls: type[ServiceSettings], name: str) -> bool:
    first, _, rest = name[len(PREFIX) :].lower().partition("__")
    if first == cls.service:
        return rest.partition("__")[0] in cls.model_fields
    # another service's own variables are that service's to judge
    return first in PORTS or first in ServiceSettings.model_fields


def _explain_unknown(cls: type[ServiceSettings], name: str) -> str:
    bare = name[len(PREFIX) :].lower()
    if bare in cls.model_fields:
        return f"{name} is a setting of {cls.service} alone: write {PREFIX}{cls.service.upper()}__{bare.upper()}"
    near = get_close_matches(bare, [d.name[len(PREFIX) :].lower() for d in describe(cls)], n=1)
    return f"{name} is not a setting" + (f"; did you mean {PREFIX}{near[0].upper()}?" if near else "")


class SettingDescription(BaseModel):
    """One row of the settings page."""

    name: str
    type: str
    default: str
    meaning: str


def describe(cls: type[ServiceSettings]) -> list[SettingDescription]:
    """Every variable ``cls`` reads, with meaning and default, for the generated settings page."""
    rows = []
    for name, field in cls.model_fields.items():
        shared = name in ServiceSettings.model_fields
        variable = PREFIX + ("" if shared else f"{cls.service.upper()}__") + name.upper()
        kind = getattr(field.annotation, "__name__", str(field.annotation))
        default = "" if field.is_required() else str(field.get_default(call_default_factory=True))
        rows.append(SettingDescription(name=variable, type=kind, default=default, meaning=field.description or ""))
    return rows


def show(settings: ServiceSettings) -> str:
    """The settings as JSON for people, secrets masked."""
    values = settings.model_dump(mode="json")
    values["database_url"] = _without_password(settings.database)
    return json.dumps({"service": settings.service, "instance": settings.instance, **values}, indent=2)


def settings_from_command_line(cls: type[SettingsT], arguments: Sequence[str]) -> SettingsT:
    """Settings of a service's ``__main__``; ``--show-settings`` prints them and ends, a wrong one is named and ends with 2."""
    unexpected = [argument for argument in arguments if argument != "--show-settings"]
    if unexpected:
        sys.stderr.write(
            f"unknown argument {unexpected[0]}; only --show-settings is known, the rest is set by IPCC_ variables\n"
        )
        raise SystemExit(2)
    try:
        settings = load(cls)
    except Invalid as error:
        sys.stderr.write(f"{error.message}\n")
        raise SystemExit(2) from None
    if arguments:
        sys.stdout.write(show(settings) + "\n")
        raise SystemExit(0)
    return settings


def load(cls: type[SettingsT], **given: Any) -> SettingsT:
    """Settings of ``cls``: what is ``given`` wins over the environment; raises Invalid that names each wrong field."""
    try:
        return cls(**given)
    except ValidationError as error:
        faults = [
            f"  {'.'.join(map(str, e['loc'])) or 'environment'}: {e['msg']}" for e in error.errors(include_input=False)
        ]
        raise Invalid("settings.invalid", "\n".join([f"settings of {cls.service} are wrong:", *faults])) from None


def _with_password(url: str, password: str) -> str:
    scheme, _, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}:{_quote(password)}@{host}" if at else url


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    name, colon, _ = user.partition(":")
    return f"{scheme}://{name}{':***' if colon else ''}@{host}" if at else url


def _quote(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-._~" else "".join(f"%{b:02X}" for b in c.encode()) for c in text)
