"""Answers to commands: sent after what they promise is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ipcc.bus.events import Publisher
from ipcc.bus.port import Record
from ipcc.bus.rpc import CORRELATION, DEADLINE, REPLY_TO
from ipcc.bus.travelling_errors import failure_of
from ipcc.contracts.payload import Payload
from ipcc.contracts.reply import CommandDone
from ipcc.errors import InvalidMessage, IpccError

# a command that names no deadline is as old as this at most
DEFAULT_DEADLINE = timedelta(seconds=30)


@dataclass(frozen=True)
class ReplyTo:
    """Who asked, and by which id he knows the answer."""

    asker: str
    correlation_id: str


def reply_to(headers: Mapping[str, str], event_id: str) -> ReplyTo | None:
    """Where the answer of a command goes; None when nobody waits for one."""
    asker = headers.get(REPLY_TO)
    return ReplyTo(asker, headers.get(CORRELATION, event_id)) if asker else None


def is_expired(record: Record, now: datetime) -> bool:
    """Whether it is too late to carry the command out. Raises InvalidMessage."""
    text = record.headers.get(DEADLINE)
    if text is None:
        return record.time + DEFAULT_DEADLINE <= now
    try:
        return datetime.fromisoformat(text) <= now
    except (ValueError, TypeError) as error:
        raise InvalidMessage(f"header {DEADLINE} is not a time with zone: {text!r}") from error


async def send_reply(publisher: Publisher, to: ReplyTo, answer: dict[str, Any] | IpccError) -> None:
    """Tell the asker. Raises BusDown."""
    data = _failed(answer, to) if isinstance(answer, IpccError) else CommandDone(asker=to.asker, result=answer)
    await publisher.publish(data, {REPLY_TO: to.asker, CORRELATION: to.correlation_id})


def _failed(error: IpccError, to: ReplyTo) -> Payload:
    return failure_of(error, to.asker)
