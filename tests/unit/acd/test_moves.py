"""The table of the agent's moves is complete and says what the texts promise."""

from __future__ import annotations

import pytest

from ipcc.contracts.acd import AgentState
from ipcc.errors import IllegalMove, NotNow
from services.acd.core.moves import MOVES, Deny, Given, Go, Stay, look_up

TABLE = [(state, given, row) for state, rows in MOVES.items() for given, row in rows.items()]


def test_every_state_has_its_rows() -> None:
    assert set(MOVES) == set(AgentState)


@pytest.mark.parametrize("state", AgentState)
def test_late_and_repeated_news_is_never_a_mistake(state: AgentState) -> None:
    news = {Given.RING, Given.OFFER_END, Given.TALK_END, Given.TIME_UP, Given.PHONE_LOST, Given.PHONE_BACK}
    assert news <= set(MOVES[state])


@pytest.mark.parametrize("state", AgentState)
def test_every_command_has_an_answer(state: AgentState) -> None:
    commands = {Given.SIGN_IN, Given.SIGN_OUT, Given.FORCE_OUT, Given.BE_READY, Given.BE_NOT_READY, Given.WRAP_UP_END}
    assert commands <= set(MOVES[state])


def test_only_a_ready_agent_is_offered_a_contact() -> None:
    assert [state for state, given, _ in TABLE if given is Given.OFFER] == [AgentState.READY]


def test_nobody_is_joined_but_from_an_offer() -> None:
    starts = {s for s, given, row in TABLE if given is Given.JOIN and isinstance(row, Go)}
    assert starts == {AgentState.OFFERED, AgentState.RINGING}


def test_force_signs_out_from_everywhere() -> None:
    for state in AgentState:
        row = MOVES[state][Given.FORCE_OUT]
        assert isinstance(row, Stay) or (isinstance(row, Go) and row.to == {AgentState.OUT})


@pytest.mark.parametrize(("state", "given", "row"), TABLE)
def test_each_row_is_found_and_explained(state: AgentState, given: Given, row: Go | Stay | Deny) -> None:
    if isinstance(row, Deny):
        with pytest.raises(NotNow) as refused:
            look_up("7", state, given)
        assert refused.value.code == row.code
        assert row.why in refused.value.message
    else:
        assert look_up("7", state, given) == row
        assert row.why if isinstance(row, Stay) else row.to


def test_what_is_not_in_the_table_is_a_mistake_of_ours() -> None:
    with pytest.raises(IllegalMove):
        look_up("7", AgentState.OUT, Given.OFFER)
