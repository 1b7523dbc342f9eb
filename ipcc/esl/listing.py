"""What the switch answers when asked what it holds: ``show channels as json``, ``uuid_dump``. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ipcc.esl.meaning import ChannelRow, LegSnapshot, RegistrationRow
from ipcc.esl.normalise import name_as_sent, snapshot
from ipcc.esl.wire import WireError, json_event
from ipcc.ids import LegId


def channels_from_json(text: str) -> list[ChannelRow]:
    """The rows of ``show channels as json``; none is ``{"row_count": 0}`` without rows. Raises WireError."""
    return [_channel(row) for row in _rows(text)]


def registrations_from_json(text: str) -> list[RegistrationRow]:
    """The rows of ``show registrations as json``. Raises WireError."""
    return [_registration(row) for row in _rows(text)]


def _rows(text: str) -> list[dict[str, str]]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise WireError(f"show did not answer JSON: {text[:60]!r}") from None
    if not isinstance(answer, dict) or "row_count" not in answer:
        raise WireError(f"not a list of rows: {text[:60]!r}")
    rows = answer.get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise WireError("the rows of show are not objects")
    return [{str(name): value if isinstance(value, str) else str(value) for name, value in row.items()} for row in rows]


def _channel(row: Mapping[str, str]) -> ChannelRow:
    if not row.get("uuid"):
        raise WireError("a channel without uuid")
    return ChannelRow(
        leg_id=LegId(row["uuid"]),
        direction=row.get("direction", ""),
        state=row.get("state", ""),
        call_state=row.get("callstate", ""),
        created_s=_number(row.get("created_epoch", "")),
        name=row.get("name", ""),
        caller_number=row.get("cid_num", ""),
        caller_name=name_as_sent(row.get("cid_name", "")),
        dialled=row.get("dest", ""),
        application=row.get("application", ""),
        call_uuid=row.get("call_uuid", ""),
    )


def _registration(row: Mapping[str, str]) -> RegistrationRow:
    return RegistrationRow(
        user=row.get("reg_user", ""),
        domain=row.get("realm", ""),
        contact=row.get("url", ""),
        ip=row.get("network_ip", ""),
        port=_number(row.get("network_port", "")),
        expires_s=_number(row.get("expires", "")),
        registration=row.get("token", ""),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def dump_from_json(text: str) -> LegSnapshot:
    """The answer of ``uuid_dump X json``. Raises WireError."""
    return snapshot(json_event(text.encode("utf-8", "surrogatepass")))
