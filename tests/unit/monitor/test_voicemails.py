"""Voicemails on the board: how many wait, since when, how many past their time; and the alarm about those."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ipcc.contracts.recording import VoicemailChanged, VoicemailState
from services.monitor.core.board import Board
from services.monitor.core.invariants import VOICEMAIL_OVERDUE, Breach, Watch
from services.monitor.core.voicemails import Voicemails
from services.monitor.schemas import BoardView, board_view
from tests.unit.monitor.stories import NOON, Told

W, T, D = VoicemailState.WAITING, VoicemailState.TAKEN, VoicemailState.DONE


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def word(
    mail: str, state: VoicemailState, queue: str = "retail", left: float = 0, change: str = "x"
) -> VoicemailChanged:
    return VoicemailChanged(
        recording_id=mail,
        call_id="c",
        leg_id="c",
        queue_id=queue,
        state=state,
        change=change,
        changed_at=at(left),
        left_at=at(left),
        due_at=at(left + 60),
        duration_ms=4000,
    )


def board(*words: VoicemailChanged) -> Board:
    told, found = Told(), Board(ZoneInfo("Asia/Shanghai"))
    for number, one in enumerate(words):
        found.apply(told.at(number, one), at(600))
    return found


def shown(found: Board, minutes: float) -> dict[str, tuple[int, int, int, float]]:
    view: BoardView = board_view(found, [], [], at(minutes))
    return {
        q.queue_id: (q.voicemails_waiting, q.voicemails_taken, q.voicemails_overdue, q.oldest_voicemail_s)
        for q in view.queues
    }


def test_each_queue_shows_how_many_wait_are_taken_and_overdue_and_the_oldest() -> None:
    found = board(
        word("a", W), word("b", W, left=30), word("c", W), word("c", T), word("d", W, "vip"), word("d", D, "vip")
    )
    assert shown(found, 40) == {"retail": (2, 1, 0, 2400.0), "vip": (0, 0, 0, 0)}
    assert shown(found, 60.1)["retail"] == (2, 1, 1, 3606.0)
    assert shown(found, 91)["retail"][2] == 2


def test_taken_it_is_no_longer_overdue_and_put_back_it_is_again() -> None:
    found = board(word("a", W))
    assert shown(found, 61)["retail"][2] == 1
    for state, overdue in ((T, 0), (W, 1), (D, 0)):
        found.apply(Told(at(61)).at(1, word("a", state)), at(62))
        assert shown(found, 62)["retail"][2] == overdue


def test_midnight_changes_nothing_of_what_waits_and_those_of_no_queue_are_in_the_totals() -> None:
    found = board(word("a", W), word("n", W, queue=""))
    found.turn_day(at(24 * 60))
    view = board_view(found, [], [], at(24 * 60))
    assert [q.queue_id for q in view.queues] == ["retail"]
    assert (view.totals.voicemails_waiting, view.totals.voicemails_overdue, view.totals.voicemails_taken) == (2, 2, 0)


def test_one_that_is_given_its_queue_later_stands_there_alone() -> None:
    found = board(word("a", W, queue=""), word("a", W, "retail"))
    assert shown(found, 1)["retail"][0] == 1
    assert board_view(found, [], [], at(1)).totals.voicemails_waiting == 1


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([W, T, D]), st.sampled_from(["q", "r"]))),
    st.integers(0, 200),
)
def test_the_last_word_about_each_is_what_counts_however_often_it_is_told(
    words: list[tuple[str, VoicemailState, str]], minutes: int
) -> None:
    found = Voicemails()
    last: dict[str, tuple[VoicemailState, str]] = {}
    for number, (mail, state, queue) in enumerate(words):
        for _ in range(2):
            found.take(word(mail, state, queue, left=ord(mail) - ord("a")))
        last[mail] = (state, queue)
        if number % 2:
            found.line(queue).overdue(at(minutes / 2))
    for queue in ("q", "r"):
        line = found.line(queue)
        waiting = {mail for mail, (state, of) in last.items() if (state, of) == (W, queue)}
        assert len(line.waiting) == len(waiting)
        assert len(line.taken) == sum((state, of) == (T, queue) for state, of in last.values())
        late = [mail for mail in waiting if at(ord(mail) - ord("a") + 60) < at(minutes)]
        assert line.overdue(at(minutes)) == len(late)


def looked(watch: Watch, minutes: float) -> list[tuple[str, str, bool]]:
    found: list[Breach] = watch.look(at(minutes))
    return [(breach.rule, breach.key, breach.cleared) for breach in found]


def test_a_queue_with_overdue_ones_is_alarmed_about_once_and_cleared_when_all_were_taken() -> None:
    watch, told = Watch(), Told()
    for mail in ("a", "b"):
        assert watch.apply(told.at(0, word(mail, W))) == []
    assert looked(watch, 60) == []
    assert looked(watch, 61) == [(VOICEMAIL_OVERDUE, "retail", False)]
    assert looked(watch, 62) == []
    watch.apply(told.at(1, word("a", T)))
    assert looked(watch, 63) == []
    watch.apply(told.at(2, word("b", T)))
    assert looked(watch, 64) == [(VOICEMAIL_OVERDUE, "retail", True)]
    watch.apply(told.at(3, word("b", W)))
    (again,) = watch.look(at(65))
    assert "voicemail_due_s" in again.text
    assert "queue_id=retail" in again.text


def test_those_of_no_queue_are_alarmed_about_naming_the_setting_that_gives_them_one() -> None:
    watch = Watch()
    watch.apply(Told().at(0, word("a", W, queue="")))
    (found,) = watch.look(at(61))
    assert "voicemail_queue" in found.text
