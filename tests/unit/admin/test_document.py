"""The organisation's document: every fault is named with its line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.contracts.config import KINDS, Queue, User
from services.admin.core.document import SECTIONS, read_document

DEMO = Path(__file__).parents[3] / "deploy" / "demo" / "organisation.yaml"

GOOD = """\
organisations:
  - {id: bank, name: Bank}
skills:
  - {id: banking, name: Banking}
queues:
  - id: retail
    name: Retail
    skills:
      banking: 1
    ring_s: 15
phones:
  - {id: 1001, name: Desk}
users:
  - id: 1001
    name: 张伟
    organisation: bank
    phone: 1001
    skills: {banking: 5}
entry_points:
  - {id: main, name: Hotline, number: 95500, flow: bank-main, organisation: bank}
"""


def complaints(old: str, new: str) -> list[tuple[int, str]]:
    assert old in GOOD
    return [(one.line, one.text) for one in read_document(GOOD.replace(old, new, 1)).complaints]


def test_the_demonstration_is_without_fault() -> None:
    document = read_document(DEMO.read_text(encoding="utf-8"))
    assert document.complaints == []
    # queues that are always open need no calendar
    assert {kind for kind, _ in document.objects} == set(KINDS) - {"calendar", "webhook"}
    agents = [one for one in document.objects.values() if isinstance(one, User) and one.skills]
    assert [agent.id for agent in agents] == ["1001", "1002", "1003", "1004", "1005", "1006"]


def test_every_kind_has_a_section() -> None:
    # a webhook's secret is told to who makes it, so it is made over REST alone
    assert set(SECTIONS.values()) == set(KINDS) - {"webhook"}


def test_numbers_are_read_as_the_field_needs_them() -> None:
    document = read_document(GOOD)
    assert document.complaints == []
    user, queue = document.objects["user", "1001"], document.objects["queue", "retail"]
    assert isinstance(user, User)
    assert isinstance(queue, Queue)
    assert (user.phone, queue.ring_s, queue.skills) == ("1001", 15, {"banking": 1})


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("skills: {banking: 5}", "skills: {bankng: 5}", 18, "there is no skill 'bankng'; did you mean 'banking'?"),
        ("      banking: 1", "      gold: 1", 9, "there is no skill 'gold'; add it, or use one of: banking"),
        ("phone: 1001", "phone: 1002", 17, "there is no phone '1002'; did you mean '1001'?"),
        ("organisation: bank\n", "organisation: bnak\n", 16, "did you mean 'bank'?"),
        ("ring_s: 15", "ring_s: 500", 10, "less than or equal to 120"),
        ("ring_s: 15", "rings: 15", 10, "Extra inputs are not permitted"),
        ("ring_s: 15", "ring_s: soon", 10, "valid integer"),
        ("users:", "user:", 13, "there is no section 'user'; did you mean users?"),
        ("  - {id: banking, name: Banking}", "  - banking", 4, "expected fields"),
        ("  - {id: banking, name: Banking}", "  banking", 3, "skills: expected a list"),
        ("number: 95500", "number: hotline", 20, "number"),
        ("{id: bank, name: Bank}", "{id: bank, name: Bank, parent: bank}", 2, "it is above itself"),
        ("{id: bank, name: Bank}", "{id: bank}", 2, "name: Field required"),
        ("phones:\n", "phones: [\n", 12, "not YAML"),
        ("name: Bank}", "name: &n Bank, parent: *n}", 2, "write it out"),
        ("name: Bank}", "name: [[[[[[[[[[x]]]]]]]]]]}", 2, "nested too deeply"),
        ("name: Bank}", "name: \x07}", 1, "not YAML"),
    ],
)
def test_a_fault_is_named_with_its_line_and_what_to_do(old: str, new: str, line: int, told: str) -> None:
    found = complaints(old, new)
    assert any(at == line and told in text for at, text in found), found


def test_two_users_cannot_share_a_phone_nor_two_entry_points_a_number() -> None:
    more = """\
  - {id: 1002, name: B, organisation: bank, phone: 1001}
entry_points:
  - {id: second, name: S, number: 95500, flow: f, organisation: bank}
"""
    found = complaints("entry_points:\n", more)
    assert [text for _, text in found] == [
        "user 1002, phone: phone '1001' is user 1001's; give each user his own",
        "entry_point main, number: 95500 leads to second; a number has one entry point",
    ]


def test_an_object_given_twice_names_both_lines() -> None:
    ((line, text),) = complaints("skills:\n", "skills:\n  - {id: banking, name: Again}\n")
    assert line == 5
    assert "skill banking stands on line 4 already" in text


def test_faults_come_in_the_order_of_their_lines() -> None:
    text = GOOD.replace("ring_s: 15", "ring_s: 500").replace("number: 95500", "number: x")
    lines = [one.line for one in read_document(text).complaints]
    assert lines == sorted(lines)
    assert len(lines) == 2


@given(st.text(max_size=200))
def test_no_text_makes_it_fail(text: str) -> None:
    read_document(text)


@given(st.integers(0, len(GOOD)), st.text(alphabet="{}[]:-&*'\"\n\t #|>!%@,abc0", max_size=6))
def test_no_damage_makes_it_fail(place: int, damage: str) -> None:
    read_document(GOOD[:place] + damage + GOOD[place + len(damage) :])
