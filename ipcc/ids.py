"""Identifiers: typed, so that a call's id is never taken for an agent's; new ones sort by time (UUIDv7, RFC 9562)."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from datetime import datetime
from typing import NewType

CallId = NewType("CallId", str)
LegId = NewType("LegId", str)
NodeId = NewType("NodeId", str)
AgentId = NewType("AgentId", str)
QueueId = NewType("QueueId", str)
SkillId = NewType("SkillId", str)
EntryId = NewType("EntryId", str)
OfferId = NewType("OfferId", str)
PhoneId = NewType("PhoneId", str)
SessionId = NewType("SessionId", str)
FlowId = NewType("FlowId", str)
RecordingId = NewType("RecordingId", str)
CampaignId = NewType("CampaignId", str)


def new_id() -> str:
    """A UUIDv7: 48 bits of milliseconds, then random bits; sorts by the time it was made."""
    return _version_7(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big"))


def id_of(at: datetime, content: bytes) -> str:
    """The UUIDv7 of something that was so ``at`` a time: the same for the same content, whoever makes it."""
    digest = hashlib.sha256(at.isoformat().encode() + content).digest()
    return _version_7(int(at.timestamp() * 1000), int.from_bytes(digest[:10], "big"))


def _version_7(stamp: int, random: int) -> str:
    value = (stamp & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= (random >> 68 & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))
