"""Answers of api commands that concern no channel, with the recorded texts and their uneven line ends (01a, 01m). Pure.

An empty answer is what the event socket turns into ``-ERR no reply``.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote

from ipcc.sim import wire
from ipcc.sim.api_arithmetic import calculate, choose
from ipcc.sim.api_fsctl import Fsctl
from ipcc.sim.api_sofia import sofia_status
from ipcc.sim.kernel import Kernel
from ipcc.sim.variables import expand

VERSION = "1.10.12-release"
"""The switch whose behaviour is simulated."""

MODULES = frozenset(
    {
        "mod_commands",
        "mod_dialplan_xml",
        "mod_dptools",
        "mod_event_socket",
        "mod_expr",
        "mod_hash",
        "mod_local_stream",
        "mod_loopback",
        "mod_sndfile",
        "mod_sofia",
        "mod_tone_stream",
    }
)
"""What this switch can do, named as the modules that do it on a real one."""

_SHOW_USAGE = (
    "-USAGE: codec|endpoint|application|api|dialplan|file|timer|calls [count]|channels [count|like <match string>]|calls|"
    "detailed_calls|bridged_calls|detailed_bridged_calls|aliases|complete|chat|management|modules|nat_map|say|interfaces|"
    "interface_types|tasks|limits|status\n"
)
_SHOWN = frozenset(
    {"calls", "channels", "detailed_calls", "bridged_calls", "detailed_bridged_calls", "registrations", "tasks"}
)
_GLOBAL = re.compile(r"\$\$\{([^}]*)\}")
_LOCAL_LISTS = {
    "loopback.auto": ("127.0.0.0/8",),
    "rfc1918.auto": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    "any_v4.auto": ("0.0.0.0/0",),
}


@dataclass
class TextApi:
    """The commands, and the little they remember."""

    kernel: Kernel
    modules: set[str] = field(default_factory=lambda: set(MODULES))
    stores: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._fsctl = Fsctl(self.kernel)
        self._answers: dict[str, Callable[[str], str | None]] = {
            "acl": self._acl,
            "complete": lambda argument: "+OK\n",
            "cond": choose,
            "create_uuid": lambda argument: self.kernel.new_uuid(),
            "db": lambda argument: self._store("db", argument),
            "domain_exists": lambda argument: _truth(argument == self.kernel.settings.domain),
            "echo": lambda argument: argument,
            "eval": self._eval,
            "expr": calculate,
            "fsctl": self._fsctl.answer,
            "global_getvar": self._global_getvar,
            "global_setvar": self._global_setvar,
            "hash": lambda argument: self._store("hash", argument),
            "help": self._help,
            "hostname": lambda argument: self.kernel.settings.hostname,
            "switchname": lambda argument: self.kernel.settings.hostname,
            "load": self._load,
            "md5": lambda argument: hashlib.md5(wire.to_bytes(argument), usedforsecurity=False).hexdigest(),
            "module_exists": lambda argument: _truth(argument in self.modules),
            "reload": self._reload,
            "reloadxml": lambda argument: "+OK [Success]\n",
            "show": lambda argument: None if argument.partition(" ")[0] in _SHOWN else _SHOW_USAGE,
            "sofia": lambda argument: sofia_status(self.kernel, argument),
            "status": self._status,
            "strepoch": self._strepoch,
            "strftime": self._strftime,
            "time_test": _time_test,
            "unload": self._unload,
            "uptime": self._uptime,
            "url_decode": lambda argument: unquote(argument, errors="surrogateescape"),
            "url_encode": wire.quote,
            "user_data": self._user_data,
            "user_exists": self._user_exists,
            "version": lambda argument: f"FreeSWITCH Version {VERSION}~64bit ( 64bit)\n",
        }

    def answer(self, command: str, argument: str) -> str | None:
        """The answer, or None when the command is not one of these."""
        found = self._answers.get(command.lower())
        return found(argument.strip()) if found else None

    def _status(self, argument: str) -> str:
        counters, settings = self.kernel.counters, self.kernel.settings
        live = len(self.kernel.channels)
        per_second = counters.in_second if counters.second == int(self.kernel.now) else 0
        ready = "not ready" if self._fsctl.is_paused else "ready"
        return (
            f"UP {_span(self.kernel.now - self.kernel.timeline.start)}\n"
            f"FreeSWITCH (Version {VERSION}  64bit) is {ready}\n"
            f"{counters.sessions} session(s) since startup\n"
            f"{live} session(s) - peak {counters.peak}, last 5min {counters.peak} \n"
            f"{per_second} session(s) per Sec out of max {self._fsctl.sessions_per_second}, "
            f"peak {counters.in_second_max}, last 5min {counters.in_second_max} \n"
            f"{settings.max_sessions} session(s) max\n"
            "min idle cpu 0.00/100.00\nCurrent Stack Size/Max 240K/240K\n"
        )

    def _uptime(self, argument: str) -> str:
        seconds = self.kernel.now - self.kernel.timeline.start
        scale = {"ms": 1_000, "m": 1_000, "us": 1_000_000, "u": 1_000_000}.get(argument, 1)
        return f"{int(seconds * scale)}\n"

    def _strftime(self, argument: str) -> str:
        return self._clock().strftime(argument or "%Y-%m-%d %T")

    def _strepoch(self, argument: str) -> str:
        if not argument:
            return str(int(self.kernel.now))
        try:
            moment = datetime.strptime(argument, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            return "0"
        return str(int(moment.timestamp()))

    def _clock(self) -> datetime:
        return datetime.fromtimestamp(self.kernel.now, UTC)

    def _global_getvar(self, argument: str) -> str:
        if argument:
            return self._global(argument) or ""
        return "".join(f"{name}={value}\n" for name, value in self.kernel.globals.items())

    def _global(self, name: str) -> str | None:
        settings = self.kernel.settings
        built_in = {"domain": settings.domain, "hostname": settings.hostname, "core_uuid": self.kernel.core_uuid}
        return self.kernel.globals.get(name, built_in.get(name))

    def _global_setvar(self, argument: str) -> str:
        name, equals, value = argument.partition("=")
        if not name:
            return "-USAGE: <var>=<value> [=<value2>]\n"
        if equals and value:
            self.kernel.globals[name] = value
        else:
            self.kernel.globals.pop(name, None)
        return "+OK"

    def _eval(self, argument: str) -> str | None:
        if argument.startswith("uuid:"):
            return None  # a channel's variables: the engine answers
        known = _GLOBAL.sub(lambda found: self._global(found[1]) or "", argument)
        return expand(known, self._reference)

    def _reference(self, name: str) -> str | None:
        if not name.endswith(")"):
            return self._global(name)
        command, _, argument = name[:-1].partition("(")
        return self.kernel.run_api(command, argument)

    def _load(self, argument: str) -> str:
        if argument not in MODULES:
            return "+OK Reloading XML\n-ERR [module load file routine returned an error]\n"
        if argument in self.modules:
            return "+OK Reloading XML\n-ERR [Module already loaded]\n"
        self.modules.add(argument)
        return "+OK Reloading XML\n+OK\n"

    def _unload(self, argument: str) -> str:
        if argument not in self.modules:
            return "-ERR [No such module!]\n"
        self.modules.discard(argument)
        return "+OK\n"

    def _reload(self, argument: str) -> str:
        if argument not in self.modules:
            return f"-ERR unloading module [No such module!]\n{self._load(argument)}"
        return "+OK module unloaded\n+OK Reloading XML\n+OK module loaded\n"

    def _acl(self, argument: str) -> str:
        address, _, name = argument.partition(" ")
        try:
            wanted = ipaddress.ip_address(address)
            nets = [ipaddress.ip_network(net) for net in _LOCAL_LISTS.get(name.strip(), ())]
        except ValueError:
            return "-ERR Invalid IP address\n"
        return _truth(any(wanted in net for net in nets))

    def _store(self, table: str, argument: str) -> str:
        parts = argument.split("/", 3)
        action, realm, key, value = [*parts, "", "", ""][:4]
        if action == "insert" and key:
            self.stores[table, realm, key] = value
            return "+OK\n"
        if action == "delete" and key:
            return "+OK\n" if self.stores.pop((table, realm, key), None) is not None else "-ERR Not found\n"
        if action == "select":
            return self.stores.get((table, realm, key), "")
        return "-USAGE: [insert|delete]/<realm>/<key>/<value>\n"

    def _user_exists(self, argument: str) -> str:
        key, user, domain = [*argument.split(), "", "", ""][:3]
        return _truth(key == "id" and self._find_user(user, domain) is not None)

    def _user_data(self, argument: str) -> str:
        who, kind, name = [*argument.split(), "", "", ""][:3]
        user, _, domain = who.partition("@")
        variables = self._find_user(user, domain)
        return variables.get(name, "") if variables is not None and kind == "var" else ""

    def _find_user(self, user: str, domain: str) -> dict[str, str] | None:
        users = self.kernel.settings.users
        return next((entry.variables for entry in users if (entry.id, entry.domain) == (user, domain)), None)

    def _help(self, argument: str) -> str:
        lines = [f"{name},,,mod_commands" for name in sorted(self._answers)]
        return "\nValid Commands:\n\n" + "\n".join(lines) + "\n"


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _span(seconds: float) -> str:
    micros = round(seconds * 1_000_000)
    parts = []
    for name, size in (
        ("year", 365 * 86_400_000_000),
        ("day", 86_400_000_000),
        ("hour", 3_600_000_000),
        ("minute", 60_000_000),
        ("second", 1_000_000),
        ("millisecond", 1_000),
        ("microsecond", 1),
    ):
        count, micros = divmod(micros, size)
        parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return ", ".join(parts)


def _time_test(argument: str) -> str:
    millis, times = [*argument.split(), "0", "1"][:2]
    if not millis.isdigit() or not times.isdigit():
        return "-USAGE: <mss> [count]\n"
    lines = [f"test {number} sleep {millis} {millis}\n" for number in range(1, min(int(times), 10) + 1)]
    return "".join(lines) + f"avg {millis}\n"
