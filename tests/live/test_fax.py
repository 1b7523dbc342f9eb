"""Entries by fax: on the caller's own line and to a number. The fax machine is another leg of the same switch, with rxfax."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ipcc.ids import new_id
from ipcc.sim.people import PhoneScript
from tests.live.bench import ENTRY_POINT, Bench
from tests.live.test_main_path import CARD, PIN
from tests.support.until import until

NUMBER = "02160000001"
FAX_S = 90


class Machine:
    """A caller at a fax machine: a leg of the switch that has dialled the switch by SIP."""

    def __init__(self, bench: Bench) -> None:
        self.uuid = new_id()
        self._bench = bench

    async def call(self) -> str:
        """Dial the bank; the id of the call as the bank has it."""
        known = f"{{origination_uuid={self.uuid},origination_caller_id_number=02160000009,absolute_codec_string=PCMU}}"
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
    with Image.open(got) as page:
        # a blank page has no ink at all
        assert page.convert("L").getextrema() == (0, 255)
    assert left_in(bench) == []
    got.unlink()


async def test_a_number_he_gives_gets_them_while_he_waits(bench: Bench) -> None:
    if bench.name == "real":
        pytest.skip("the telephone behind the trunk of the real switch is no fax machine")
    far_end = await bench.people.far_end()
    far_end.behave(PhoneScript("*", answer_after_s=0.3, is_fax=True))
    machine = Machine(bench)
    call = await machine.call()
    await go_to_fax(bench, call, machine)
    await machine.press("2")
    await prompted(bench, call, "enter-fax")
    await machine.press(f"{NUMBER}#")
    await prompted(bench, call, "fax-sending")
    await prompted(bench, call, "fax-sent", timeout=FAX_S)
    await machine.hang_up()
    assert left_in(bench) == []
