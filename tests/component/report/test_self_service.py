"""What callers leave behind, counted: voicemails by queue and interval, faxes, answers to surveys; and in the journey of each call."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ipcc.contracts.call import CallArrived, CallDataAttached, Direction
from ipcc.contracts.envelope import Event
from ipcc.contracts.ivr import FaxDone, SurveyAnswered
from ipcc.contracts.recording import VoicemailChanged, VoicemailState
from services.report.core.self_service import FaxFigures, SurveyFigures, VoicemailFigures
from services.report.store import ReportStore
from tests.component.report.stories import START, a_served_call, at
from tests.component.report.test_reports import World
from tests.support.until import until

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
STATES = {"left": "waiting", "taken": "taken", "put_back": "waiting", "done": "done", "again": "waiting"}


def a_voicemail(n: str, steps: list[tuple[float, str, str]], queue: str = "retail", left: float = 0) -> list[Event]:
    """One left ``left`` minutes after the start, then steps: minutes after that, what happened, who did it."""
    left_at = START + left * MINUTE
    told = []
    for number, (minutes, change, who) in enumerate([(0.0, "left", ""), *steps]):
        changed = VoicemailChanged(
            recording_id=f"m-{n}",
            call_id=f"call-{n}",
            leg_id=f"call-{n}",
            queue_id=queue,
            state=VoicemailState(STATES[change]),
            change=change,
            changed_at=left_at + minutes * MINUTE,
            left_at=left_at,
            due_at=left_at + HOUR,
            duration_ms=4000,
            agent_id=who,
            by=who,
            outcome="reached" if change == "done" else "",
        )
        told.append(at(f"{n}-{number}", changed, (left + minutes) * 60))
    return told


async def write(store: ReportStore, *stories: list[Event]) -> None:
    """Story by story in any order, a third of all twice."""
    dice = random.Random(7)
    shuffled = list(stories)
    dice.shuffle(shuffled)
    events = [event for story in shuffled for event in story]
    for event in (*events, *dice.sample(events, len(events) // 3)):
        await store.write(event)


TAKEN_AND_DONE = [(10.0, "taken", "li"), (15.0, "done", "li")]


async def test_voicemails_are_counted_where_they_were_left_with_every_step_and_add_up(store: ReportStore) -> None:
    await write(
        store,
        a_voicemail("a", TAKEN_AND_DONE),
        a_voicemail("b", [(70, "taken", "li"), (80, "put_back", "li"), (90, "taken", "han")]),
        a_voicemail("c", [(5, "taken", "li"), (6, "put_back", "li"), (60, "again", "record")], left=29),
        a_voicemail("d", TAKEN_AND_DONE, queue="vip"),
        a_voicemail("e", [], left=31),
    )
    found = await store.voicemail_figures(START, START + HOUR, 30 * MINUTE)
    retail, later = found[0, "retail"], found[1, "retail"]
    assert (retail.left, retail.taken, retail.taken_in_time, retail.done, retail.reached) == (3, 3, 2, 1, 1)
    assert (retail.still_waiting, retail.still_taken, retail.put_back) == (1, 1, 2)
    # first taken after 10, 70 and 5 minutes; done after 15
    minute_ms = 60_000
    assert (retail.wait_ms, retail.longest_wait_ms, retail.done_after_ms) == (
        85 * minute_ms,
        70 * minute_ms,
        15 * minute_ms,
    )
    assert (later.left, later.still_waiting, later.service_level, later.average_wait_ms) == (1, 1, None, None)
    assert found[0, "vip"].done == 1
    assert all(figures.adds_up for figures in found.values())
    both = retail + later
    assert (both.left, both.longest_wait_ms, both.adds_up) == (4, 70 * minute_ms, True)
    assert both.service_level == pytest.approx(2 / 3)


async def test_only_what_was_left_in_that_stretch_of_time_counts(store: ReportStore) -> None:
    await write(store, a_voicemail("a", TAKEN_AND_DONE, left=60))
    assert await store.voicemail_figures(START, START + HOUR, HOUR) == {}
    later = await store.voicemail_figures(START + HOUR, START + 2 * HOUR, HOUR)
    assert later[0, "retail"].left == 1


def a_fax(n: int, outcome: str, attempt: int = 1, to: str = "caller", pages: int = 0) -> list[Event]:
    done = FaxDone(
        call_id="c1", session_id="s1", document="statement", to=to, outcome=outcome, attempt=attempt, pages=pages
    )
    return [at(f"fax-{n}", done, n)]


async def test_a_fax_that_is_tried_again_is_one_fax_of_several_tries(store: ReportStore) -> None:
    await write(
        store,
        a_fax(1, "busy"),
        a_fax(2, "sent", attempt=2, pages=2),
        a_fax(3, "no_answer"),
        a_fax(4, "no_answer", attempt=2),
        a_fax(5, "sent", to="number", pages=1),
    )
    caller, number = await store.fax_figures(START, START + MINUTE)
    assert caller == FaxFigures("statement", "caller", 2, 4, 2, {"busy": 1, "sent": 1, "no_answer": 2})
    assert (caller.sent, caller.failed) == (1, 1)
    assert (number.to, number.faxes, number.sent, number.failed, number.pages) == ("number", 1, 1, 0, 1)
    assert await store.fax_figures(START + MINUTE, START + HOUR) == []


def answered(n: str, question: str, key: int, second: float, session: str = "") -> Event:
    answer = SurveyAnswered(
        call_id=f"call-{n}", session_id=session or f"session-{n}", survey="service", question=question, answer=key
    )
    return at(f"answer-{n}-{question}-{second}", answer, second)


async def test_answers_are_counted_for_whoever_served_the_caller_last_before_he_answered(store: ReportStore) -> None:
    served = [event for n in ("1", "2") for topic in a_served_call(n) for event in topic]
    await write(
        store,
        served,
        [answered("1", "agent", 3, 100), answered("2", "agent", 1, 101), answered("1", "bank", 2, 100)],
        # before anybody had served him, and somebody nobody served at all
        [answered("2", "early", 1, 10), answered("9", "agent", 2, 11)],
        # the same question of the same session once more: the last one counts
        [answered("9", "again", 1, 12), answered("9", "again", 3, 13)],
    )
    found = await store.survey_figures(START, START + HOUR, "")
    assert found == [
        SurveyFigures("service", "again", "", "", {3: 1}),
        SurveyFigures("service", "agent", "", "", {2: 1}),
        SurveyFigures("service", "agent", "retail", "agent2-1", {3: 1}),
        SurveyFigures("service", "agent", "retail", "agent2-2", {1: 1}),
        SurveyFigures("service", "bank", "retail", "agent2-1", {2: 1}),
        SurveyFigures("service", "early", "", "", {1: 1}),
    ]
    assert await store.survey_figures(START, START + HOUR, "other") == []


def test_the_average_is_that_of_the_keys_and_none_where_nobody_answered() -> None:
    found = SurveyFigures("s", "q", "", "", {1: 2, 3: 6})
    assert (found.answers, found.average) == (8, 2.5)
    assert SurveyFigures("s", "q", "", "").average is None
    assert VoicemailFigures().adds_up


def arrived(call: str, direction: Direction, second: float) -> Event:
    return at(f"arrived-{call}", CallArrived(call_id=call, node_id="fs1", leg_id=call, direction=direction), second)


async def test_a_call_made_for_a_voicemail_shows_it_and_the_call_it_was_left_in_shows_that_call(
    store: ReportStore,
) -> None:
    attached = CallDataAttached(call_id="back", data={"voicemail_id": "m-a", "case": "K-17"})
    await write(
        store,
        [arrived("call-a", Direction.INBOUND, 0), arrived("back", Direction.OUTBOUND, 660)],
        a_voicemail("a", TAKEN_AND_DONE),
        [at("attached", attached, 661)],
        a_fax(1, "sent"),
    )
    journeys = [await store.journey(call) for call in ("call-a", "back")]
    for journey in journeys:
        assert journey is not None
        (mail,) = journey.voicemails
        assert (mail["voicemail_id"], mail["call_id"], mail["calls"]) == ("m-a", "call-a", ["back"])
        assert (mail["agent_id"], mail["outcome"], mail["state"]) == ("li", "reached", "done")
        assert [(step["change"], step["by"]) for step in mail["steps"]] == [
            ("left", ""),
            ("taken", "li"),
            ("done", "li"),
        ]


async def test_the_reports_are_asked_for_over_rest(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url)
    async with world.running() as http:
        await world.tell([*a_voicemail("a", TAKEN_AND_DONE), *a_fax(1, "sent"), answered("9", "agent", 2, 11)])
        query: dict[str, Any] = {"since": START.isoformat(), "minutes": 60}

        async def asked(name: str) -> Any:
            answer = await http.get(f"/v1/reports/{name}", params=query)
            assert answer.status_code == 200, answer.text
            return answer.json()

        async def is_counted() -> bool:
            done = [one["done"] for one in (await asked("voicemails"))["totals"]]
            return done == [1] and bool(await asked("faxes")) and bool((await asked("surveys"))["questions"])

        await until(is_counted, what="all is counted")
        voicemails = await asked("voicemails")
        (total,) = voicemails["totals"]
        assert (total["queue_id"], total["left"], total["done"], total["adds_up"]) == ("retail", 1, 1, True)
        assert (total["average_wait_ms"], total["average_done_ms"], total["service_level"]) == (600_000, 900_000, 1.0)
        assert len(voicemails["intervals"][0]["queues"]) == 1
        assert "voicemail_service_level/1" in voicemails["service_level_formula"]
        (fax,) = await asked("faxes")
        assert (fax["sent"], fax["failed"], fax["outcomes"]) == (1, 0, {"sent": 1})
        surveys = await asked("surveys")
        assert surveys["questions"][0]["distribution"] == {"2": 1}
        assert "survey_average/1" in surveys["average_formula"]
        refused = await http.get("/v1/reports/voicemails", params={**query, "minutes": 7})
        assert refused.json()["code"] == "interval.minutes"
    await world.broker.stop()
