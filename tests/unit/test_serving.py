"""Who serves a queue by what is administered: the same people routing would give a contact to that asks for nothing of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.contracts.config import Capacity, Queue, User
from ipcc.serving import serves
from services.acd.core.needs import misfit, need_in
from services.acd.core.rows import Agent, Entry
from services.acd.core.state import State

AT = datetime(2026, 1, 5, tzinfo=UTC)
SKILLS = st.dictionaries(st.sampled_from(["cards", "loans"]), st.integers(1, 10), max_size=2)
FEW = st.sets(st.sampled_from(["a", "b", "c"]), max_size=2).map(lambda names: tuple(sorted(names)))


def user(**given: Any) -> User:
    return User(**{"id": "li", "name": "Li", "organisation": "bank", "skills": {"cards": 5}, **given})


def queue(**given: Any) -> Queue:
    return Queue(**{"id": "q", "name": "Q", **given})


@pytest.mark.parametrize(
    ("given_queue", "given_user", "is_so"),
    [
        ({"skills": {"cards": 5}}, {}, True),
        ({"skills": {"cards": 6}}, {}, False),
        ({"expression": "loans >= 1"}, {}, False),
        ({"groups": ("a",)}, {"groups": ("a", "b")}, True),
        ({"groups": ("a",)}, {"groups": ("b",)}, False),
        ({"sites": ("a",)}, {"site": "a"}, True),
        ({"sites": ("a",)}, {}, False),
        ({}, {"capacity": Capacity(voice=0, chat=3)}, False),
        ({}, {"roles": ("supervisor",), "skills": {}}, False),
    ],
)
def test_skills_groups_sites_and_media_decide(
    given_queue: dict[str, Any], given_user: dict[str, Any], is_so: bool
) -> None:
    assert serves(queue(**given_queue), user(**given_user)) is is_so


@given(
    SKILLS,
    FEW,
    FEW,
    st.sampled_from(["", "cards >= 5", "cards >= 3 or loans >= 3"]),
    SKILLS,
    FEW,
    st.sampled_from([None, "a", "b"]),
)
def test_routing_would_give_a_contact_to_the_same_people(
    asked: dict[str, int],
    groups: tuple[str, ...],
    sites: tuple[str, ...],
    expression: str,
    skills: dict[str, int],
    own_groups: tuple[str, ...],
    site: str | None,
) -> None:
    wanted = queue(skills=asked, groups=groups, sites=sites, expression=expression)
    somebody = user(skills=skills, groups=own_groups, site=site)
    state = State("default")
    state.users["li"] = somebody
    entry = Entry("e", "c", "c", "", "q", AT, AT)
    agent = Agent("li", phone_id="1001")
    assert (misfit(state, agent, need_in(wanted, entry)) == "") is serves(wanted, somebody)
