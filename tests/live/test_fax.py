"""Entries by fax: on the caller's own line and to a number. The fax machine is another leg of the same switch, with rxfax."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from ipcc.bus.events import received_from
from ipcc.bus.port import BEGINNING
from ipcc.contracts.ivr import FaxDone
from ipcc.contracts.topics import IVR
from ipcc.ids import new_id
from ipcc.sim.people import PhoneScript
from tests.live.bench import ENTRY_POINT, Bench
from tests.live.fax_machine import FaxMachine
from tests.live.test_main_path import CARD, PIN
from tests.support.until import until

NUMBER, CALLER = "02160000001", "02160000009"
FAX_S = 90


@pytest.fixture(autouse=True)
async def nobody_stays(bench: Bench) -> AsyncIterator[None]:
    """Whoever calls here is a leg of the switch, which does not hang up because a test has failed."""
    yield
    for row in await bench.ear.channels():
        if row["cid_num"] == CALLER:
            await bench.ear.api(f"uuid_kill {row['uuid']}")


class Machine:
    """A caller at a fax machine: a leg of the switch that has dialled the switch by SIP."""

    def __init__(self, bench: Bench) -> None:
        self.uuid = new_id()
        self._bench = bench

    async def call(self) -> str:
        """Dial the bank; the id of the call as the bank has it."""
        own = f"origination_uuid={self.uuid},origination_caller_id_number={CALLER}"
        known = f"{{{own},absolute_codec_string=PCMU,fax_enable_t38=false}}"
        port = await self._bench.ear.api("global_getvar ipcc_trunks_port")
        await self._bench.ear.order(f"bgapi originate {known}sofia/trunks/{ENTRY_POINT}@127.0.0.1:{port} &park")
        created = await until(
            lambda: self._bench.ear.heard(
                "CHANNEL_CREATE", Call_Direction="inbound", Caller_Destination_Number=ENTRY_POINT
            ),
            what="the call's channel",
        )
        return created[0].uuid

    async def press(self, digits: str) -> None:
        await self._bench.ear.api(f"uuid_send_dtmf {self.uuid} {digits}")

    async def start(self, path: Path) -> None:
        """Press the start key: from now on it receives into ``path``."""
        head = f"sendmsg {self.uuid}\ncall-command: execute\nexecute-app-name: rxfax\nexecute-app-arg: {path}"
        await self._bench.ear.order(head)

    async def hang_up(self) -> None:
        await self._bench.ear.api(f"uuid_kill {self.uuid}")


async def prompted(bench: Bench, call: str, prompt: str, timeout: float = 20) -> None:
    await until(
        lambda: bench.ear.heard("CHANNEL_EXECUTE", call, Application_Data=f"/{prompt}.wav"), timeout, f"prompt {prompt}"
    )


async def go_to_fax(bench: Bench, call: str, machine: Machine) -> None:
    """Through the menus, in English, to the question where the fax shall go."""
    for prompt, keys in (
        ("choose-language", "2"),
        ("main-menu", "2"),
        ("enter-any-number", f"{CARD}#"),
        ("enter-pin", f"{PIN}#"),
        ("card-menu", "9"),
    ):
        await prompted(bench, call, prompt)
        await machine.press(keys)
    await prompted(bench, call, "fax-how")


def left_in(bench: Bench) -> list[Path]:
    return list((bench.plan.spool_dir / "fax" / "out").glob("*"))


async def test_a_caller_gets_his_entries_on_the_fax_machine_he_calls_from(bench: Bench) -> None:
    machine = Machine(bench)
    call = await machine.call()
    await go_to_fax(bench, call, machine)
    await machine.press("1")
    await prompted(bench, call, "fax-start")
    got = bench.plan.spool_dir / "fax" / f"got-{machine.uuid}.tif"
    await machine.start(got)
    await prompted(bench, call, "fax-sent", timeout=FAX_S)
    await machine.hang_up()
    await until(lambda: bench.ear.heard("CHANNEL_HANGUP_COMPLETE", call), what="the end of the call")

    sent = bench.ear.heard("CUSTOM", call, Event_Subclass="spandsp::txfaxresult")
    assert [(one.get("fax-success"), one.get("fax-document-transferred-pages")) for one in sent] == [("1", "1")]
    assert [one.get("fax-t38-status") for one in sent] == ["off"]
    with Image.open(got) as page:
        # a blank page has no ink at all
        assert page.convert("L").getextrema() == (0, 255)
    assert left_in(bench) == []
    got.unlink()


async def order(bench: Bench) -> tuple[Machine, str]:
    """A caller who has given the number of a fax machine; he, and the id of his call."""
    caller = Machine(bench)
    call = await caller.call()
    await go_to_fax(bench, call, caller)
    await caller.press("2")
    await prompted(bench, call, "enter-fax")
    await caller.press(f"{NUMBER}#")
    await prompted(bench, call, "fax-sending")
    return caller, call


async def told(bench: Bench, call: str, count: int) -> list[FaxDone]:
    """The first tries told of the call's fax, once there are so many."""
    suite = bench.suite
    assert suite is not None
    settings = next(service.settings for service in suite.services if service.name == "ivr")

    async def found() -> list[FaxDone]:
        async with suite.parts.bus(settings).replay(IVR.name, BEGINNING) as reader:
            facts = [received_from(record).event.data async for record in reader if record.key == call]
        tries = [fact for fact in facts if isinstance(fact, FaxDone)]
        return tries if len(tries) >= count else []

    return await until(found, FAX_S, f"{count} tries told")


def results(bench: Bench) -> list[tuple[str, str]]:
    """How T.38 stood and whether it went well, of every fax sent."""
    ends = bench.ear.heard("CUSTOM", Event_Subclass="spandsp::txfaxresult")
    return [(one.get("fax-t38-status"), one.get("fax-success")) for one in ends]


@pytest.mark.parametrize("takes_t38", [True, False])
async def test_a_number_he_gives_gets_them_while_he_waits(bench: Bench, takes_t38: bool) -> None:
    if takes_t38 and bench.name != "real":
        pytest.skip("a fax machine that is no leg of the simulated switch has no T.38")
    async with FaxMachine(bench, takes_t38=takes_t38) as machine:
        caller, call = await order(bench)
        await prompted(bench, call, "fax-sent", timeout=FAX_S)
        await caller.hang_up()
        tries = await told(bench, call, 1)
        assert [(one.outcome, one.pages, one.attempt, one.is_last) for one in tries] == [("sent", 1, 1, True)]
        assert results(bench) == [("negotiated" if takes_t38 else "refused", "1")]
        for path in machine.got:
            with Image.open(path) as page:
                assert page.convert("L").getextrema() == (0, 255)
    assert left_in(bench) == []


async def test_a_caller_who_hangs_up_gets_them_at_a_number_that_was_busy_at_first(bench: Bench) -> None:
    (await bench.people.far_end()).behave(PhoneScript("*", refuse=486, refuse_after_s=0.3))
    caller, call = await order(bench)
    await caller.hang_up()
    await told(bench, call, 1)
    async with FaxMachine(bench):
        tries = await told(bench, call, 2)
    assert [(one.outcome, one.pages, one.is_last) for one in tries] == [("busy", 0, False), ("sent", 1, True)]
    assert left_in(bench) == []


async def test_a_line_that_is_cut_in_the_middle_is_told_and_tried_again(bench: Bench) -> None:
    async with FaxMachine(bench, hang_up_after_s=14) as machine:
        caller, call = await order(bench)
        await caller.hang_up()
        tries = await told(bench, call, 1)
        assert [(one.outcome, one.pages, one.is_last) for one in tries] == [("dropped", 0, False)]
        await machine.stay()
        tries = await told(bench, call, 2)
    assert [(one.outcome, one.pages, one.is_last) for one in tries][1:] == [("sent", 1, True)]
    assert left_in(bench) == []


@pytest.mark.parametrize(("code", "outcome", "count"), [(404, "wrong_number", 1), (480, "no_answer", 2)])
async def test_a_number_that_is_not_reached_is_told_as_what_it_is(
    bench: Bench, code: int, outcome: str, count: int
) -> None:
    (await bench.people.far_end()).behave(PhoneScript("*", refuse=code, refuse_after_s=0.3))
    caller, call = await order(bench)
    # the bank's own systems are to send it now
    await prompted(bench, call, "fax-ordered", timeout=FAX_S)
    await caller.hang_up()
    tries = await told(bench, call, count)
    assert [one.outcome for one in tries] == [outcome] * count
    assert tries[-1].is_last
    assert left_in(bench) == []


async def test_somebody_who_answers_and_is_no_fax_machine_is_told_as_such(bench: Bench) -> None:
    (await bench.people.far_end()).behave(PhoneScript("*", answer_after_s=0.3))
    caller, call = await order(bench)
    await caller.hang_up()
    tries = await told(bench, call, 1)
    assert [(one.outcome, one.is_last) for one in tries] == [("no_fax", False)]
