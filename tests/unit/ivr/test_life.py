"""Which version a call meets, and what may be done to a version in which state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.errors import Invalid, NotNow
from services.ivr.core.flow import read_document
from services.ivr.core.life import MOVES, Act, State, after, check_shares, version_for
from services.ivr.publishing import _shared
from services.ivr.rehearsing import open_folder
from tests.unit.ivr.test_flows import FLOWS, PROMPTS


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("act", Act)
def test_only_what_was_tested_is_published_and_what_is_published_stays(state: State, act: Act) -> None:
    if (state, act) in MOVES:
        assert after(state, act) is MOVES[state, act]
        assert state is not State.PUBLISHED
        assert act is not Act.PUBLISH or state is State.TESTED
    else:
        with pytest.raises(NotNow):
            after(state, act)


def test_shares_are_of_published_versions_and_make_up_the_whole() -> None:
    check_shares({1: 30, 2: 70}, frozenset({1, 2, 3}))
    for wrong in ({1: 30}, {1: 30, 9: 70}, {1: 0, 2: 100}, {1: 60, 2: 60}):
        with pytest.raises(Invalid):
            check_shares(wrong, frozenset({1, 2, 3}))


@given(st.lists(st.integers(1, 30), min_size=1, max_size=3), st.integers(1, 100), st.text(max_size=40))
def test_whatever_is_published_for_a_share_the_whole_stays_whole_and_every_call_meets_one(
    parts: list[int], percent: int, call: str
) -> None:
    before = dict(enumerate(parts, start=1))
    before[1] += 100 - sum(parts)
    shares = _shared(before, 9, percent)
    check_shares(shares, frozenset({*before, 9}))
    assert shares[9] == percent
    assert version_for(shares, call) in shares
    assert version_for(shares, call) == version_for(shares, call)


def test_a_published_flow_is_the_same_when_it_was_kept_and_read_again() -> None:
    for flow in open_folder(FLOWS, PROMPTS).all():
        assert read_document(flow.model_dump(mode="json")) == flow
