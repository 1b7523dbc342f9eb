"""show channels, calls, registrations, tasks: the lists of the switch, as text, count, JSON or XML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from ipcc.sim.headers import stamp

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.kernel import Kernel

Row = dict[str, str]

_CODEC = ("PCMU", "8000", "64000")
_LINEAR = ("L16", "8000", "128000")

_NOT_IN_CALLS = frozenset(
    {
        "application",
        "application_data",
        "dialplan",
        "context",
        "read_codec",
        "read_rate",
        "read_bit_rate",
        "write_codec",
        "write_rate",
        "write_bit_rate",
        "secure",
        "initial_cid_name",
        "initial_cid_num",
        "initial_ip_addr",
        "initial_dest",
        "initial_dialplan",
        "initial_context",
    }
)


def show(kernel: Kernel, argument: str) -> str | None:
    """One of the lists; None if it is not one of these."""
    words = argument.split()
    make = _LISTS.get(words[0] if words else "")
    if make is None:
        return None
    rows = make(kernel)
    rest = words[1:]
    if "like" in rest:
        wanted = rest[rest.index("like") + 1 : rest.index("like") + 2]
        rows = [row for row in rows if wanted and any(wanted[0].strip("%") in value for value in row.values())]
    style = rest[rest.index("as") + 1] if "as" in rest[:-1] else "csv"
    counted = "count" in rest
    if style == "json":
        return _as_json(rows, counted)
    if style == "xml":
        return _as_xml(rows, counted)
    return f"\n{len(rows)} total.\n" if counted else _as_text(rows)


def _as_json(rows: list[Row], counted: bool) -> str:
    if not rows:
        return '{"row_count": 0}\n'
    listed: list[Row] = [] if counted else rows
    return json.dumps({"row_count": len(rows), "rows": listed}, ensure_ascii=False, separators=(",", ":"))


def _as_text(rows: list[Row]) -> str:
    if not rows:
        return "\n0 total.\n"
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    return "\n".join(lines) + f"\n\n{len(rows)} total.\n"


def _as_xml(rows: list[Row], counted: bool) -> str:
    parts = [f'<result row_count="{len(rows)}">\n']
    if not counted:
        for number, row in enumerate(rows, 1):
            fields = "".join(f"    <{name}>{escape(value)}</{name}>\n" for name, value in row.items())
            parts.append(f'  <row row_id="{number}">\n{fields}  </row>\n')
    return "".join(parts) + "</result>\n"


def channel_row(channel: Channel) -> Row:
    """One line of ``show channels``."""
    profile = channel.profile
    codec = _CODEC if channel.has_codec else ("", "", "")
    read = _LINEAR if channel.reads_linear else codec
    app, data = channel.application
    created = profile.times.created
    bridged = channel.var("last_bridge_to") is not None
    row = {
        "uuid": channel.uuid,
        "direction": channel.direction,
        "created": stamp(created),
        "created_epoch": str(created // 1_000_000),
        "name": channel.name,
        "state": "CS_" + channel.running.name,
        "cid_name": channel.listed[0],
        "cid_num": channel.listed[1],
        "ip_addr": channel.listed_place[0],
        "dest": channel.listed_place[1],
        "application": app,
        "application_data": data,
        "dialplan": profile.dialplan,
        "context": profile.context,
        "read_codec": read[0],
        "read_rate": read[1],
        "read_bit_rate": read[2],
        "write_codec": codec[0],
        "write_rate": codec[1],
        "write_bit_rate": codec[2],
        "secure": "",
        "hostname": channel.kernel.settings.hostname,
        "presence_id": channel.presence_id,
        "presence_data": "",
        "accountcode": channel.var("accountcode") or "",
        "callstate": channel.callstate.name,
        "callee_name": channel.listed[2],
        "callee_num": channel.listed[3],
        "callee_direction": channel.callee_direction,
        "call_uuid": channel.call_uuid if bridged or channel.direction == "outbound" else "",
        "sent_callee_name": channel.sent_callee[0],
        "sent_callee_num": channel.sent_callee[1],
    }
    names = ("cid_name", "cid_num", "ip_addr", "dest", "dialplan", "context")
    row.update({f"initial_{name}": value for name, value in zip(names, channel.initial, strict=True)})
    return row


def _channels(kernel: Kernel) -> list[Row]:
    return [channel_row(channel) for channel in kernel.channels.values()]


def _short(row: Row, prefix: str = "") -> Row:
    return {prefix + name: value for name, value in row.items() if name not in _NOT_IN_CALLS}


def _call_row(kernel: Kernel, channel: Channel) -> Row:
    short = _short(channel_row(channel))
    order = [name for name in short if name not in ("hostname", "sent_callee_name", "sent_callee_num", "call_uuid")]
    row = {name: short[name] for name in order}
    row["call_uuid"] = short["call_uuid"]
    row["hostname"] = short["hostname"]
    row["sent_callee_name"] = short["sent_callee_name"]
    row["sent_callee_num"] = short["sent_callee_num"]
    partner = kernel.channels.get(channel.bridged_to or "")
    other = _short(channel_row(partner)) if partner else dict.fromkeys(short, "")
    for name in (*order, "sent_callee_name", "sent_callee_num"):
        row["b_" + name] = other[name]
    row["call_created_epoch"] = str(channel.profile.times.bridged // 1_000_000) if partner else ""
    return row


def _calls(kernel: Kernel) -> list[Row]:
    """One row per bridged pair, one per channel that is alone."""
    owners = [channel for channel in kernel.channels.values() if not _is_second(kernel, channel)]
    return [_call_row(kernel, channel) for channel in owners]


def _is_second(kernel: Kernel, channel: Channel) -> bool:
    owner = kernel.channels.get(channel.bridged_to or "")
    return owner is not None and channel.call_uuid == owner.uuid and owner.bridged_to == channel.uuid


def _bridged(kernel: Kernel) -> list[Row]:
    return [row for row in _calls(kernel) if row["b_uuid"]]


def _detailed(kernel: Kernel) -> list[Row]:
    rows = []
    for channel in kernel.channels.values():
        if _is_second(kernel, channel):
            continue
        row = {name: value for name, value in channel_row(channel).items() if not name.startswith("initial_")}
        partner = kernel.channels.get(channel.bridged_to or "")
        if partner:
            other = channel_row(partner)
            row.update({"b_" + name: value for name, value in other.items() if not name.startswith("initial_")})
            row["call_created_epoch"] = str(channel.profile.times.bridged // 1_000_000)
        rows.append(row)
    return rows


def _registrations(kernel: Kernel) -> list[Row]:
    return [
        {
            "reg_user": entry.user,
            "realm": entry.domain,
            "token": entry.token,
            "url": f"sofia/{entry.profile}/{entry.contact}",
            "expires": str(int(entry.expires_at)),
            "network_ip": entry.ip,
            "network_port": entry.port,
            "network_proto": "udp",
            "hostname": kernel.settings.hostname,
            "metadata": "",
        }
        for entry in kernel.registrar.listed.values()
    ]


def _tasks(kernel: Kernel) -> list[Row]:
    return [
        {
            "task_id": str(task.id),
            "task_desc": task.description,
            "task_group": task.group,
            "task_runtime": str(int(task.timer.when)),
            "task_sql_manager": "0",
            "hostname": kernel.settings.hostname,
        }
        for task in kernel.scheduler.tasks.values()
    ]


_LISTS = {
    "channels": _channels,
    "calls": _calls,
    "bridged_calls": _bridged,
    "detailed_calls": _detailed,
    "detailed_bridged_calls": _bridged,
    "registrations": _registrations,
    "tasks": _tasks,
}
