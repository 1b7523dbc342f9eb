"""What is keyed twice must be the same both times: a new password."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ipcc.errors import Invalid
from services.ivr.core.actions import CallBank, Keyed, KeyedKind
from services.ivr.core.checks import parse
from services.ivr.core.session import Moved, Session, advance, begin

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ASK = {
    "kind": "collect",
    "prompts": ["enter-new-pin"],
    "secret": True,
    "min_digits": 6,
    "max_digits": 6,
    "on_failure": "end",
}
NODES: dict[str, Any] = {
    "first": {**ASK, "variable": "new_pin", "next": "second"},
    "second": {**ASK, "variable": "again", "same_as": "new_pin", "on_differs": "first", "next": "order"},
    "order": {
        "kind": "bank",
        "operation": "change_pin",
        "inputs": {"card_no": "card_no", "pin": "new_pin", "new_pin": "again"},
        "next": "end",
        "on_refused": "end",
        "on_unavailable": "end",
    },
    "end": {"kind": "hang_up"},
}
DOCUMENT = {
    "id": "f",
    "version": 1,
    "name": {"en": "F"},
    "languages": ["zh"],
    "start": "first",
    "resume": "end",
    "nodes": NODES,
}


def walk(*digits: str) -> Moved:
    flow = parse(DOCUMENT)
    ids = ("s", "c", "c", "fs1", "95500", "13800000001", "")
    moved = begin(flow, Session(*ids, "zh", NOW, secrets={"card_no": "6222000000000017"}), NOW)
    for one in digits:
        moved = advance(flow, moved.session, Keyed(KeyedKind.DIGITS, one), NOW)
    return moved


def test_the_same_twice_goes_on() -> None:
    moved = walk("860213", "860213")
    assert moved.session.at == "order"
    assert isinstance(moved.action, CallBank)


def test_what_differs_is_asked_anew_and_the_first_one_forgotten() -> None:
    moved = walk("860213", "860214")
    assert (moved.session.at, moved.session.known("new_pin")) == ("first", None)
    assert walk("860213", "860214", "860215", "860215").session.at == "order"


def test_the_way_for_what_differs_must_lead_somewhere() -> None:
    nodes = {**NODES, "second": {**NODES["second"], "on_differs": "nowhere"}}
    with pytest.raises(Invalid, match="no node nowhere"):
        parse({**DOCUMENT, "nodes": nodes})
