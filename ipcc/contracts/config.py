"""What the bank administers: published by admin as the last word per object (compacted)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import CONFIG, Topic

Name = Annotated[str, Field(min_length=1, max_length=80)]
ObjectId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Level = Annotated[int, Field(ge=1, le=10)]


class ConfigModel(BaseModel):
    """One administered object; unknown fields are refused when it is saved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: ObjectId
    name: Name


class Organisation(ConfigModel):
    """The bank or one unit of it."""

    kind: Literal["organisation"] = "organisation"
    parent: ObjectId | None = None
    timezone: str = "Asia/Shanghai"


class Skill(ConfigModel):
    """Something an agent can do, at a level from 1 to 10."""

    kind: Literal["skill"] = "skill"


class Queue(ConfigModel):
    """Where contacts wait. Agents with every skill in ``skills`` at its level or above serve it."""

    kind: Literal["queue"] = "queue"
    domain: ObjectId = "default"
    skills: dict[ObjectId, Level] = Field(default_factory=dict)
    ring_s: int = Field(default=20, ge=3, le=120, description="how long an agent's phone rings")
    wrap_up_s: int = Field(default=15, ge=0, le=3600, description="time for after-call work")
    after_no_answer: Literal["not_ready", "ready"] = "not_ready"
    return_after_s: int = Field(
        default=0, ge=0, le=3600, description="a silent agent is ready again after; 0 = never by itself"
    )
    service_level_s: int = Field(default=20, ge=1, le=600, description="answered within this counts as in time")
    max_waiting: int = Field(default=1000, ge=1, description="a contact more is refused")
    max_wait_s: int = Field(default=0, ge=0, description="longer waiting overflows; 0 = no limit")
    music: str = "local_stream://ipcc"


class Phone(ConfigModel):
    """A telephone on an agent's desk; its id is the SIP user that registers."""

    kind: Literal["phone"] = "phone"
    node: str = ""


class User(ConfigModel):
    """Somebody who signs in. With ``skills`` he is an agent; his id is the agent's id."""

    kind: Literal["user"] = "user"
    organisation: ObjectId
    roles: tuple[Literal["agent", "supervisor", "quality", "administrator", "auditor", "system"], ...] = ("agent",)
    skills: dict[ObjectId, Level] = Field(default_factory=dict)
    languages: tuple[str, ...] = ("zh",)
    phone: ObjectId | None = None
    domain: ObjectId = "default"


class EntryPoint(ConfigModel):
    """A dialled number and the flow its callers meet."""

    kind: Literal["entry_point"] = "entry_point"
    number: Annotated[str, Field(pattern=r"^[0-9+*#]{2,20}$")]
    flow: ObjectId
    language: str = "zh"
    organisation: ObjectId


ConfigObject = Annotated[Organisation | Skill | Queue | Phone | User | EntryPoint, Field(discriminator="kind")]
KINDS: tuple[str, ...] = ("organisation", "skill", "queue", "phone", "user", "entry_point")


class ConfigChanged(Payload):
    """The object from now on; ``object`` is None when it was removed."""

    TYPE: ClassVar[str] = "ipcc.config.changed"
    TOPIC: ClassVar[Topic] = CONFIG

    kind: str
    object_id: str
    version: int
    object: ConfigObject | None

    def key(self) -> str:
        return f"{self.kind}/{self.object_id}"


CONFIG_PAYLOADS: tuple[type[Payload], ...] = (ConfigChanged,)
