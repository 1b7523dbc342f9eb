"""The life of a voicemail: one agent at most has it, and every step is legal in its state alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.contracts.recording import VoicemailOutcome, VoicemailState
from ipcc.errors import NotAllowed, NotNow, Refused
from services.record.core.voicemail import Voicemail, fact, finish, is_forgotten, put_back, take

LEFT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def mail() -> Voicemail:
    return Voicemail("m", "c", "retail", VoicemailState.WAITING, LEFT, LEFT + HOUR, LEFT, 4000, "13800000001")


def later(minutes: float) -> datetime:
    return LEFT + timedelta(minutes=minutes)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code


def test_taken_by_one_it_is_refused_to_another_by_name_and_given_to_the_same_again() -> None:
    taken = take(mail(), "li", later(1))
    assert (taken.state, taken.agent_id, taken.taken_at) == (VoicemailState.TAKEN, "li", later(1))
    assert take(taken, "li", later(2)) == taken
    with pytest.raises(NotNow) as refused:
        take(taken, "han", later(2))
    assert (refused.value.code, refused.value.details["agent_id"]) == ("voicemail.taken", "li")


def test_put_back_it_waits_again_until_the_time_it_was_due_and_another_takes_it() -> None:
    back = put_back(take(mail(), "li", later(1)), "li", later(30), is_overseer=False)
    assert (back.state, back.due_at, back.changed_at) == (VoicemailState.WAITING, LEFT + HOUR, later(30))
    assert not back.is_overdue(later(60))
    assert back.is_overdue(later(61))
    again = take(back, "han", later(70))
    assert (again.agent_id, again.taken_at, again.is_overdue(later(90))) == ("han", later(1), False)


def test_only_who_has_it_or_a_supervisor_puts_it_back_or_finishes_it() -> None:
    taken = take(mail(), "li", later(1))
    with pytest.raises(NotAllowed):
        put_back(taken, "han", later(2), is_overseer=False)
    with pytest.raises(NotAllowed):
        finish(taken, "han", VoicemailOutcome.REACHED, later(2), is_overseer=False)
    assert put_back(taken, "zhou", later(2), is_overseer=True).state is VoicemailState.WAITING
    assert finish(taken, "zhou", VoicemailOutcome.NO_CALL, later(2), is_overseer=True).outcome == "no_call"


def test_what_nobody_took_is_neither_put_back_nor_done() -> None:
    assert code_of(lambda: put_back(mail(), "li", LEFT, is_overseer=True)) == "voicemail.not_taken"
    assert (
        code_of(lambda: finish(mail(), "li", VoicemailOutcome.REACHED, LEFT, is_overseer=True)) == "voicemail.not_taken"
    )


def test_what_is_done_stays_done_and_is_done_once() -> None:
    taken = take(mail(), "li", later(1))
    done = finish(taken, "li", VoicemailOutcome.REACHED, later(5), is_overseer=False)
    assert finish(done, "li", VoicemailOutcome.REACHED, later(6), is_overseer=False) == done
    assert code_of(lambda: take(done, "li", later(6))) == "voicemail.done"
    assert code_of(lambda: put_back(done, "li", later(6), is_overseer=True)) == "voicemail.done"
    assert (
        code_of(lambda: finish(done, "li", VoicemailOutcome.NO_CALL, later(6), is_overseer=False)) == "voicemail.done"
    )


def test_what_somebody_has_had_for_too_long_is_forgotten_and_what_waits_is_not() -> None:
    taken = take(mail(), "li", later(1))
    assert not is_forgotten(taken, later(61), HOUR)
    assert is_forgotten(taken, later(61.1), HOUR)
    assert not is_forgotten(mail(), later(600), HOUR)


STEPS = st.lists(st.tuples(st.sampled_from(["take", "put_back", "done"]), st.sampled_from(["li", "han"])), max_size=12)


@given(STEPS)
def test_whatever_is_tried_it_is_with_one_agent_at_most_and_told_as_it_stands(steps: list[tuple[str, str]]) -> None:
    now, holder, is_done = mail(), "", False
    for number, (step, who) in enumerate(steps):
        at = later(number)
        try:
            if step == "take":
                now = take(now, who, at)
                assert holder in ("", who)
                assert not is_done
                holder = who
            elif step == "put_back":
                now = put_back(now, who, at, is_overseer=False)
                assert holder == who
                holder = ""
            else:
                before = now
                now = finish(now, who, VoicemailOutcome.REACHED, at, is_overseer=False)
                assert holder == who or before == now
                is_done, holder = True, who
        except Refused:
            pass
        told = fact(now, "again", "record")
        assert (told.state, told.agent_id, told.due_at) == (now.state, now.agent_id, LEFT + HOUR)
        assert (now.state is VoicemailState.WAITING) == (not holder)
