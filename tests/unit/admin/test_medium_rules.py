"""Media that must not take effect as administered, each refused by name, in English and Chinese."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ipcc.contracts.config import Capacity, Organisation, Queue, Skill, User
from services.admin.core.rules import Object, faults, key_of

ANN: dict[str, Any] = {"capacity": {"chat": 3, "mail": 5}, "blending": {"call_beside": {"chat": 1}}}


def named(*changed: Object, **ann: Any) -> list[str]:
    """The faults of a small bank with chats and calls, with these objects in it."""
    fields = {"id": "ann", "name": "Ann", "organisation": "bank", "skills": {"cards": 5}, **(ann or ANN)}
    bank: list[Object] = [
        Organisation(id="bank", name="Bank"),
        Skill(id="cards", name="Cards"),
        User.model_validate(fields),
        queue("calls"),
        *changed,
    ]
    return [str(fault) for fault in faults({key_of(one): one for one in bank})]


def queue(name: str = "web", **rules: Any) -> Queue:
    return Queue(id=name, name=name, **{"skills": {"cards": 3}, **rules})


def test_a_bank_with_calls_and_chats_is_without_fault() -> None:
    more = queue("more", medium="chat", overflow=({"when": "size", "above": 5, "to": "flow:goodbye"},))
    assert named(queue(medium="chat", overflow_to="queue:more"), more) == []


@pytest.mark.parametrize(
    ("rules", "field", "problem"),
    [
        ({"medium": "chat", "overflow_to": "queue:calls"}, "overflow_to", "queue 'calls' is for voice, this one for"),
        ({"medium": "chat", "overflow_to": "voicemail:bank"}, "overflow_to", "sent to voicemail"),
        ({"medium": "chat", "overflow": ({"when": "size", "to": "number:955"},)}, "overflow.0.to", "sent to number"),
        ({"medium": "chat", "callback": {}}, "callback", "a queue for chat does not call back"),
        ({"medium": "message"}, "skills", "no agent could serve it (asks cards 3, room for message)"),
    ],
)
def test_a_queue_that_could_not_serve_its_medium_is_refused(rules: dict[str, Any], field: str, problem: str) -> None:
    found = [fault for fault in named(queue(**rules)) if f"queue web, {field}: " in fault]
    assert len(found) == 1
    assert problem in found[0]


def test_a_queue_for_calls_does_not_overflow_into_one_for_chats() -> None:
    found = named(queue(medium="chat"), queue("calls", overflow_to="queue:web"))
    assert found == [
        "queue calls, overflow_to: queue 'web' is for chat, this one for voice; name a queue of the same medium "
        "(队列 web 的媒体是 chat,本队列是 voice;请选同一媒体的队列)"
    ]


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"capacity": {"voice": 0}}, "capacity"),
        ({"blending": {"call_beside": {"chat": 1}}}, "blending.call_beside.chat"),
        ({"capacity": {"chat": 2}, "blending": {"beside_call": {"chat": 3}}}, "blending.beside_call.chat"),
        ({"capacity": {"voice": 0, "chat": 2}, "blending": {"beside_call": {"chat": 1}}}, "blending.beside_call"),
    ],
)
def test_a_user_whose_rules_say_nothing_he_could_do_is_refused(terms: dict[str, Any], field: str) -> None:
    found = [fault for fault in named(**terms) if fault.startswith(f"user ann, {field}: ")]
    assert len(found) == 1


@pytest.mark.parametrize("capacity", [{"voice": 2}, {"chat": -1}, {"chat": 21}, {"fax": 1}])
def test_a_capacity_out_of_range_or_of_no_medium_is_refused(capacity: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Capacity.model_validate(capacity)
