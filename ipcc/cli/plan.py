"""Which parts are our own and which are real: the options shared by ``up`` and ``demo``."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipcc.settings import SwitchAddress, read_secret

SERVICES = ("admin", "ctiserver", "acd", "ivr", "record", "report", "monitor", "outbound")
ROOT = Path(__file__).resolve().parents[2]
FLOWS = ROOT / "flows"
DEMO_ORGANISATION = ROOT / "deploy" / "demo" / "organisation.yaml"


@dataclass(frozen=True)
class Plan:
    """What runs where. None means: our own part in this process."""

    var: Path
    switches: tuple[SwitchAddress, ...] = ()
    esl_password: str = ""
    kafka: str | None = None
    database: str | None = None
    bankcore: str | None = None
    organisation: Path = DEMO_ORGANISATION
    flows: Path = FLOWS
    spool: Path | None = None
    sounds: str | None = None
    auth: str = "dev"
    any_ports: bool = False
    processes: bool = False
    log_level: str = "WARNING"

    @property
    def spool_dir(self) -> Path:
        """Where the switch leaves recordings, for both."""
        return (self.spool or self.var / "spool").resolve()

    @property
    def sounds_dir(self) -> str:
        """Where the switch has its prompts."""
        return self.sounds or str((self.var / "sounds").resolve())


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the plan."""
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="[NODE=]HOST:PORT",
        help="a real FreeSWITCH instead of the simulated one; again for more nodes. Its password: --esl-password-file",
    )
    parser.add_argument("--esl-password-file", type=Path, metavar="FILE", help="event-socket password of the switches")
    parser.add_argument("--spool", type=Path, metavar="DIR", help="where the real switch leaves recordings")
    parser.add_argument("--sounds", metavar="DIR", help="where the real switch has its prompts")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="a real Kafka instead of the bus in this process")
    parser.add_argument(
        "--database", metavar="URL", help="PostgreSQL instead of SQLite files, for example postgresql://user@host/db"
    )
    parser.add_argument("--bankcore", metavar="URL", help="the bank's core systems instead of the stand-in")
    parser.add_argument(
        "--organisation", type=Path, default=DEMO_ORGANISATION, metavar="FILE", help="agents, queues, entry points"
    )
    parser.add_argument("--flows", type=Path, default=FLOWS, metavar="DIR", help="published flow documents")
    parser.add_argument(
        "--var", type=Path, default=Path("var"), metavar="DIR", help="folder for databases, recordings, keys"
    )
    parser.add_argument(
        "--auth", choices=("none", "dev", "jwt"), default="dev", help="who may use the APIs (default: local tokens)"
    )
    parser.add_argument("--any-ports", action="store_true", help="take free ports instead of 8101 to 8108 and 8190")
    parser.add_argument("--processes", action="store_true", help="each service in its own process; needs --kafka")
    parser.add_argument("--log-level", default="WARNING", choices=("DEBUG", "INFO", "WARNING", "ERROR"))


def plan_of(given: argparse.Namespace) -> Plan:
    """The plan the options describe. Raises SystemExit for those that do not fit together."""
    try:
        switches = tuple(_switch(text, number) for number, text in enumerate(given.switch, 1))
        password = (
            read_secret(given.esl_password_file) if given.esl_password_file else os.environ.get("IPCC_ESL_PASSWORD", "")
        )
    except ValueError as error:
        raise SystemExit(f"ipcc: {error}") from None
    if given.processes and not given.kafka:
        raise SystemExit(
            "ipcc: --processes needs --kafka: services in different processes cannot share a bus in memory"
        )
    return Plan(
        var=given.var,
        switches=switches,
        esl_password=password,
        kafka=given.kafka,
        database=given.database,
        bankcore=given.bankcore,
        organisation=given.organisation,
        flows=given.flows,
        spool=given.spool,
        sounds=given.sounds,
        auth=given.auth,
        any_ports=given.any_ports,
        processes=given.processes,
        log_level=given.log_level,
    )


def _switch(text: str, number: int) -> SwitchAddress:
    return SwitchAddress.parse(text if "=" in text else f"fs{number}={text}")


def settings_of(plan: Plan, service: str, switches: tuple[SwitchAddress, ...], bankcore: str) -> dict[str, Any]:
    """What one service is told beyond its defaults."""
    given: dict[str, Any] = {
        "instance_id": f"{service}-0",
        "switches": switches,
        "esl_password": plan.esl_password,
        "var_dir": plan.var,
        "spool_dir": plan.spool_dir,
        "bankcore_url": bankcore,
        "auth_mode": plan.auth,
        "log_level": plan.log_level,
    }
    if plan.kafka:
        given["kafka"] = plan.kafka
    if plan.database:
        given["database_url"] = plan.database
    if plan.any_ports:
        given["http_port"] = 0
    own: dict[str, dict[str, Any]] = {
        "admin": {"organisation_file": plan.organisation},
        "ivr": {"sounds_dir": plan.sounds_dir, "flows_dir": plan.flows},
        "outbound": {"sounds_dir": plan.sounds_dir},
        "record": {"store_dir": plan.var / "recordings"},
    }
    return {**given, **own.get(service, {})}
