"""Faxes on their way: by the dial rules, on the caller's line or to a number, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from ipcc.esl.commands import UuidKill, UuidSetVar
from ipcc.metrics import IVR_FAXES
from services.ivr.core.actions import Faxed
from services.ivr.fax_files import FOLDER
from tests.support.until import until
from tests.unit.ivr.fax_bench import LEG, NOW, NUMBER, Desk

pytestmark = pytest.mark.looptime


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, attempts=1)


async def test_what_is_sent_is_there_while_it_is_sent_and_gone_after(desk: Desk) -> None:
    sending = desk.send()
    leg, path = await desk.started()
    assert leg == LEG
    assert path.is_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    desk.arrive(leg)
    assert await sending == Faxed("sent", 1, "0 OK")
    assert desk.left == []


async def test_a_machine_that_hangs_up_with_the_whole_fax_has_got_it(desk: Desk) -> None:
    """As in recording 15d: the end of the leg comes first, then the result."""
    sending = desk.send()
    leg, _ = await desk.started()
    desk.node.say("CHANNEL_HANGUP", leg, {"Hangup-Cause": "NORMAL_CLEARING", "Answer-State": "hangup"})
    desk.tell(leg, "1", "0", "OK", "2")
    assert await sending == Faxed("sent", 2, "0 OK")


async def test_a_leg_that_ends_without_a_result_has_dropped_the_fax(desk: Desk) -> None:
    sending = desk.send()
    leg, _ = await desk.started()
    desk.node.hang_up(leg)
    assert (await sending).outcome == "dropped"
    assert desk.left == []


@pytest.mark.parametrize(
    ("code", "text", "outcome"),
    [
        ("2", "Timed out waiting for initial communication", "no_fax"),
        ("49", "The call dropped prematurely", "dropped"),
        ("30", "No response after sending a page", "failed"),
    ],
)
async def test_a_fax_that_did_not_go_through_says_why(desk: Desk, code: str, text: str, outcome: str) -> None:
    sending = desk.send()
    leg, _ = await desk.started()
    desk.tell(leg, "0", code, text, "0")
    desk.node.finish(leg)
    assert await sending == Faxed(outcome, 0, f"{code} {text}")


async def test_a_file_the_switch_does_not_find_is_a_failure_in_its_own_words(desk: Desk) -> None:
    sending = desk.send()
    leg, _ = await desk.started()
    desk.node.finish(leg, "Cannot send non-existant fax file")
    assert await sending == Faxed("failed", 0, "Cannot send non-existant fax file")


async def test_a_number_is_called_as_the_dial_rules_want_it_and_its_leg_is_ended(desk: Desk) -> None:
    sending = desk.send(NUMBER)
    leg, _ = await desk.started()
    assert leg != LEG
    dialled = next(line.render() for line in desk.node.commands if line.render().startswith("originate"))
    assert "sofia/gateway/demo/902160000001" in dialled
    assert f"ipcc_call_id={leg}" in dialled
    desk.arrive(leg)
    assert (await sending).outcome == "sent"
    assert [kill.leg_id for kill in desk.node.told(UuidKill)] == [leg]
    assert desk.left == []


async def test_the_leg_may_speak_t38_before_anything_is_sent_on_it(desk: Desk) -> None:
    """Without the variable the switch refuses it, whatever its configuration says (tests/traces/fax_t38.json)."""
    for number in ("", NUMBER):
        sending = desk.send(number)
        leg, _ = await desk.started(1 if not number else 2)
        told = desk.node.told(UuidSetVar)
        assert UuidSetVar(leg, "fax_enable_t38", "true") in told
        # on his own line it is his machine that asks, if anybody
        assert UuidSetVar(leg, "fax_enable_t38_request", "true" if number else "false") in told
        desk.arrive(leg)
        assert (await sending).outcome == "sent"


async def test_a_leg_that_is_gone_before_anything_is_sent_has_dropped_the_fax(desk: Desk) -> None:
    desk.node.answer("uuid_setvar", "-ERR No such channel!\n")
    assert await desk.send() == Faxed("dropped")
    assert desk.left == []


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        ("USER_BUSY", "busy"),
        ("NO_ANSWER", "no_answer"),
        ("NO_USER_RESPONSE", "no_answer"),
        ("UNALLOCATED_NUMBER", "wrong_number"),
        ("NUMBER_CHANGED", "wrong_number"),
        ("CALL_REJECTED", "failed"),
    ],
)
async def test_a_number_that_is_not_reached_says_how(desk: Desk, cause: str, outcome: str) -> None:
    desk.node.answer("originate", f"-ERR {cause}")
    assert await desk.send(NUMBER) == Faxed(outcome, 0, cause)
    assert desk.left == []


@pytest.mark.parametrize("number", ["110", "1001", "091234", "12", "0216000\n", "1;2", "9" * 30])
async def test_what_the_rules_refuse_is_neither_drawn_nor_dialled(desk: Desk, number: str) -> None:
    assert (await desk.send(number)).outcome == "refused"
    assert desk.node.commands == []
    assert not (desk.folder / FOLDER).exists()


async def test_a_paper_that_cannot_be_drawn_is_not_sent(desk: Desk) -> None:
    assert await desk.send(rows="五元") == Faxed("not_drawn", 0, "fax.glyphs")
    desk.folder.joinpath(FOLDER).parent.mkdir(parents=True, exist_ok=True)
    desk.folder.joinpath(FOLDER).write_text("a file where the folder should be")
    assert await desk.send() == Faxed("not_drawn", 0, "fax.spool")


async def test_what_a_replica_left_when_it_died_is_swept_and_what_is_being_sent_is_not(desk: Desk) -> None:
    folder = desk.folder / FOLDER
    folder.mkdir(parents=True)
    old, new = folder / "old.tif", folder / "new.tif"
    for path, age in ((old, timedelta(hours=2)), (new, timedelta(minutes=10))):
        path.write_bytes(b"x")
        os.utime(path, times=((NOW - age).timestamp(),) * 2)
    sweeping = asyncio.get_running_loop().create_task(desk.files.sweep())
    await until(lambda: not old.exists(), what="the old one is gone")
    assert new.exists()
    sweeping.cancel()


async def test_each_try_is_counted_by_how_it_went(desk: Desk) -> None:
    await desk.send("110")
    found = desk.metrics.registry.get_sample_value(IVR_FAXES.name, {"service": "ivr", "outcome": "refused"})
    assert found == 1
