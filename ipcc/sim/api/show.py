"""show channels, calls, registrations, tasks: the lists of the switch, as text, count, JSON or XML."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from ipcc.sim.kernel import Kernel
    from ipcc.sim.listing import Listed, Row

_SEARCHED = ("uuid", "name", "cid_name", "cid_num", "presence_data", "accountcode")
"""Where ``show channels like`` looks."""
_COUNTED = frozenset({"channels", "calls", "registrations"})

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
    rows, rest, counted = make(kernel), words[1:], False
    if words[0] == "channels" and rest[:1] == ["like"] and len(rest) > 1:
        wanted = _pattern(rest[1])
        rows = [row for row in rows if any(wanted.fullmatch(row[name]) for name in _SEARCHED)]
    if rest[:1] == ["like"]:
        # the words have their places: ``like as json`` looks for "as", and what comes third is passed over
        rest = rest[2:]
    elif rest[:1] == ["count"] and words[0] in _COUNTED:
        rest, counted = rest[1:], True
    style = rest[1] if rest[:1] == ["as"] and len(rest) > 1 else "csv"
    if style == "json":
        return _as_json(rows, counted)
    if style == "xml":
        return _as_xml(rows, counted)
    if style not in ("csv", "delim"):
        return f"-ERR Cannot find format {style}\n"
    return f"\n{len(rows)} total.\n" if counted else _as_text(rows)


def _pattern(like: str) -> re.Pattern[str]:
    """SQLite's LIKE: ``%`` is anything, ``_`` one character, letters of either case; without a ``%`` it may stand anywhere."""
    like = like.translate(str.maketrans("';", "  "))
    like = like if "%" in like else f"%{like}%"
    signs = {"%": ".*", "_": "."}
    return re.compile("".join(signs.get(sign) or re.escape(sign) for sign in like), re.IGNORECASE | re.DOTALL)


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
    if counted:
        return f'<result row_count="{len(rows)}"></result>\n'
    parts = [f'<result row_count="{len(rows)}">\n']
    for number, row in enumerate(rows, 1):
        fields = "".join(f"    <{name}>{escape(value)}</{name}>\n" for name, value in row.items())
        parts.append(f'  <row row_id="{number}">\n{fields}  </row>\n')
    return "".join(parts) + "</result>\n"


def _legs(kernel: Kernel) -> list[Listed]:
    """In the order in which they began, as far as whole seconds tell."""
    return sorted(kernel.listing.legs.values(), key=lambda leg: int(leg.row["created_epoch"]))


def _channels(kernel: Kernel) -> list[Row]:
    return [leg.row for leg in _legs(kernel)]


def _short(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in _NOT_IN_CALLS}


def _call_row(kernel: Kernel, leg: Listed) -> Row:
    short = _short(leg.row)
    order = [name for name in short if name not in ("hostname", "sent_callee_name", "sent_callee_num", "call_uuid")]
    row = {name: short[name] for name in order}
    row["call_uuid"] = short["call_uuid"]
    row["hostname"] = short["hostname"]
    row["sent_callee_name"] = short["sent_callee_name"]
    row["sent_callee_num"] = short["sent_callee_num"]
    partner = kernel.listing.legs.get(leg.partner)
    other = _short(partner.row) if partner else dict.fromkeys(short, "")
    for name in (*order, "sent_callee_name", "sent_callee_num"):
        row["b_" + name] = other[name]
    row["call_created_epoch"] = leg.bridged_s if partner else ""
    return row


def _calls(kernel: Kernel) -> list[Row]:
    """One row per bridged pair, one per channel that is alone."""
    return [_call_row(kernel, leg) for leg in _legs(kernel) if not _is_second(kernel, leg)]


def _is_second(kernel: Kernel, leg: Listed) -> bool:
    owner = kernel.listing.legs.get(leg.partner)
    return owner is not None and leg.call_uuid == leg.partner and owner.partner == leg.row["uuid"]


def _bridged(kernel: Kernel) -> list[Row]:
    return [row for row in _calls(kernel) if row["b_uuid"]]


def _detailed(kernel: Kernel) -> list[Row]:
    rows = []
    for leg in _legs(kernel):
        if _is_second(kernel, leg):
            continue
        row = {name: value for name, value in leg.row.items() if not name.startswith("initial_")}
        partner = kernel.listing.legs.get(leg.partner)
        if partner:
            row.update({"b_" + name: value for name, value in partner.row.items() if not name.startswith("initial_")})
            row["call_created_epoch"] = leg.bridged_s
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
    return [{**row, "hostname": kernel.settings.hostname} for row in kernel.listing.tasks.values()]


_LISTS = {
    "channels": _channels,
    "calls": _calls,
    "bridged_calls": _bridged,
    "detailed_calls": _detailed,
    "detailed_bridged_calls": _bridged,
    "registrations": _registrations,
    "tasks": _tasks,
}
