"""``sofia status``: profiles, gateways and registrations as the SIP module prints them (01a, 02). Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from xml.sax.saxutils import escape

from ipcc.sim.contacts import tell_expired
from ipcc.sim.kernel import Kernel
from ipcc.sim.registrations import Registration
from ipcc.sim.settings import Gateway

_RULE = "=" * 97
_FLUSHED_AFTER_S = 0.1


def sofia_status(kernel: Kernel, argument: str) -> str | None:
    """``sofia status …``; None for the other commands of the module."""
    match argument.split():
        case ["status"]:
            return _overview(kernel)
        case ["status" | "xmlstatus" as style, "gateway", name]:
            return _gateway(kernel, name, _as_table if style == "status" else _as_xml)
        case ["status" | "xmlstatus" as style, "profile", name, "reg", *rest]:
            make = _registrations if style == "status" else _registrations_xml
            return make(kernel, name, rest[0] if rest else None)
        case ["status", "profile", name]:
            return _profile(kernel, name)
        case ["profile", name, action, *rest]:
            return _profile_action(kernel, name, action, rest[0] if rest else "")
        case ["status", *_]:
            return "Invalid Profile!\n"
    return None


def _profile_action(kernel: Kernel, name: str, action: str, wanted: str) -> str:
    if name not in kernel.settings.profile_ports:
        return f"Invalid Profile [{name}]"
    if action == "flush_inbound_reg":
        for entry in kernel.registrar.flush(wanted):
            kernel.timeline.after(_FLUSHED_AFTER_S, partial(tell_expired, kernel, entry))
        which = "all registrations matching specified call_id" if wanted else "all registrations"
        return f"+OK flushing {which}\n"
    return "+OK scan complete\n" if action == "rescan" else f"+OK {action}\n"


def _overview(kernel: Kernel) -> str:
    settings = kernel.settings
    lines = [(settings.domain, "  alias", "internal", "ALIASED")]
    for name, port in sorted(settings.profile_ports.items()):
        calls = sum(1 for channel in kernel.channels.values() if channel.name.startswith(f"sofia/{name}/"))
        lines.append((name, "profile", f"sip:mod_sofia@{settings.address}:{port}", f"RUNNING ({calls})"))
        lines += [
            (f"{name}::{gateway.name}", "gateway", f"sip:{gateway.name}@{gateway.proxy}", "NOREG")
            for gateway in settings.gateways
            if gateway.profile == name
        ]
    head = f"{'Name':>25}\t{'   Type'}\t{'Data':>42}\tState\n{_RULE}\n"
    table = "".join(f"{name:>25}\t{kind}\t{data:>42}\t{state}\n" for name, kind, data, state in lines)
    return f"{head}{table}{_RULE}\n{len(settings.profile_ports)} profiles 1 alias\n"


Rows = list[tuple[str, str]]


def _gateway(kernel: Kernel, name: str, render: Callable[[Rows], str]) -> str:
    found = next((gateway for gateway in kernel.settings.gateways if gateway.name == name), None)
    return "Invalid Gateway!\n" if found is None else render(_gateway_rows(kernel, found))


def _as_table(rows: Rows) -> str:
    return f"{_RULE}\n" + "".join(f"{name:<8}\t{value}\n" for name, value in rows) + f"{_RULE}\n"


def _as_xml(rows: Rows) -> str:
    fields = "".join(f"    <{name.lower()}>{escape(value)}</{name.lower()}>\n" for name, value in rows)
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>\n  <gateway>\n{fields}  </gateway>\n'


def _gateway_rows(kernel: Kernel, gateway: Gateway) -> Rows:
    address = f"{kernel.settings.address}:{kernel.settings.profile_ports.get(gateway.profile, 5080)}"
    return [
        ("Name", gateway.name),
        ("Profile", gateway.profile),
        ("Scheme", "Digest"),
        ("Realm", gateway.proxy),
        ("Username", gateway.name),
        ("Password", "yes"),
        ("From", f"<sip:{gateway.name}@{gateway.proxy}>"),
        ("Contact", f"<sip:gw+{gateway.name}@{address};transport=udp;gw={gateway.name}>"),
        ("Exten", gateway.name),
        ("To", f"sip:{gateway.name}@{gateway.proxy}"),
        ("Proxy", f"sip:{gateway.proxy}"),
        ("Expires", "3600"),
        ("Freq", "3600"),
        ("Ping", "0"),
        ("PingFreq", "0"),
        ("PingTime", "0.00"),
        ("PingState", "0/0/0"),
        ("State", "NOREG"),
        ("Status", "UP"),
        ("Uptime", f"{int(kernel.now - kernel.timeline.start)}s"),
    ]


def _profile(kernel: Kernel, name: str) -> str:
    settings = kernel.settings
    if name not in settings.profile_ports:
        return "Invalid Profile!\n"
    address = f"{settings.address}:{settings.profile_ports[name]}"
    rows = [
        ("Name", name),
        ("Domain Name", "N/A"),
        ("Dialplan", "XML"),
        ("RTP-IP", settings.address),
        ("SIP-IP", settings.address),
        ("URL", f"sip:mod_sofia@{address}"),
        ("BIND-URL", f"sip:mod_sofia@{address};transport=udp,tcp"),
        ("DTMF-MODE", "rfc2833"),
        ("REGISTRATIONS", str(len(_of_profile(kernel, name, None)))),
    ]
    return f"{_RULE}\n" + "".join(f"{label:<17}\t{value}\n" for label, value in rows)


def _of_profile(kernel: Kernel, profile: str, wanted: str | None) -> list[Registration]:
    entries = [entry for entry in kernel.registrar.entries.values() if entry.profile == profile]
    return [entry for entry in entries if wanted in (None, entry.user, f"{entry.user}@{entry.domain}")]


def _registrations(kernel: Kernel, profile: str, wanted: str | None) -> str:
    if profile not in kernel.settings.profile_ports:
        return "Invalid Profile!\n"
    found = _of_profile(kernel, profile, wanted)
    rows = "".join(_registration(kernel, entry) for entry in found)
    return f"\nRegistrations:\n{_RULE}\n{rows}Total items returned: {len(found)}\n{_RULE}\n"


def _registrations_xml(kernel: Kernel, profile: str, wanted: str | None) -> str:
    if profile not in kernel.settings.profile_ports:
        return "Invalid Profile!\n"
    parts = ['<?xml version="1.0" encoding="ISO-8859-1"?>\n<profile>\n  <registrations>\n']
    for entry in _of_profile(kernel, profile, wanted):
        until = datetime.fromtimestamp(entry.expires_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        rest = max(0, int(entry.expires_at - kernel.now))
        who = f"{entry.user}@{entry.domain}"
        fields = {
            "call-id": entry.call_id,
            "user": who,
            "contact": f'"" <{entry.contact}>',
            "agent": entry.agent,
            "status": f"Registered(UDP)(unknown) exp({until}) expsecs({rest})",
            "ping-status": "Reachable",
            "ping-time": "0.00",
            "host": kernel.settings.hostname,
            "network-ip": entry.ip,
            "network-port": entry.port,
            "sip-auth-user": entry.user,
            "sip-auth-realm": entry.domain,
            "mwi-account": who,
        }
        lines = "".join(
            f"        <{name}>{escape(value, {chr(34): '&quot;'})}</{name}>\n" for name, value in fields.items()
        )
        parts.append(f"    <registration>\n{lines}    </registration>\n")
    return "".join(parts) + "  </registrations>\n</profile>\n"


def _registration(kernel: Kernel, entry: Registration) -> str:
    until = datetime.fromtimestamp(entry.expires_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    rest = max(0, int(entry.expires_at - kernel.now))
    who = f"{entry.user}@{entry.domain}"
    return (
        f'Call-ID:    \t{entry.call_id}\nUser:       \t{who}\nContact:    \t"" <{entry.contact}>\n'
        f"Agent:      \t{entry.agent}\nStatus:     \tRegistered(UDP)(unknown) EXP({until}) EXPSECS({rest})\n"
        f"Ping-Status:\tReachable\nPing-Time:\t0.00\nHost:       \t{kernel.settings.hostname}\n"
        f"IP:         \t{entry.ip}\nPort:       \t{entry.port}\nAuth-User:  \t{entry.user}\n"
        f"Auth-Realm: \t{entry.domain}\nMWI-Account:\t{who}\n\n"
    )
