"""What is kept of flows in the database, as values; store.py keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.ivr.core.life import State


@dataclass(frozen=True)
class Version:
    """One version of one flow, as written (``document``) and, when published, whole (``linked``)."""

    flow_id: str
    version: int
    state: State
    document: Mapping[str, Any]
    cases: Mapping[str, Any] | None
    changed_at: datetime
    changed_by: str
    linked: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Deed:
    """Who did what to a flow, and when; ``number`` rises with every deed."""

    at: datetime
    actor: str
    action: str
    flow_id: str
    version: int
    note: str = ""
    number: int = 0


@dataclass(frozen=True)
class InForce:
    """Everything callers can meet: published versions and the shares of the calls, by flow; ``number`` of the last deed."""

    number: int
    published: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)
    shares: Mapping[str, Mapping[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Key:
    """A prompt in a language."""

    prompt_id: str
    language: str


@dataclass(frozen=True)
class Voice:
    """One version of a prompt's sound; ``digest`` is SHA-256 of the file."""

    key: Key
    version: int
    digest: str
    seconds: float
    note: str
    made_at: datetime
    made_by: str


@dataclass(frozen=True)
class VoiceAct:
    """Who did what to a prompt's sound: uploaded, published (version 0: took back to what was made with the switch)."""

    at: datetime
    actor: str
    action: str
    key: Key
    version: int
