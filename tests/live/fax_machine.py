"""A fax machine behind the switch's gateway. Of the simulated switch it is a phone that is one; of the real switch, whose phones here
are none, it is another leg of the same switch, with rxfax, to which a relay at the gateway's address joins the call."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from ipcc.ids import new_id
from ipcc.sim.people import PhoneScript
from ipcc.tasks import Tasks
from tests.live.bench import Bench
from tests.live.by_sip import SipPeople
from tests.live.telephone.relay import JoinedCall, Relay

CALLED_S = 180.0


@dataclass
class FaxMachine:
    """``takes_t38``: it may be asked for T.38, which only the real switch's can be."""

    bench: Bench
    takes_t38: bool = False
    hang_up_after_s: float | None = None
    got: list[Path] = field(default_factory=list)
    _tasks: Tasks = field(default_factory=Tasks)
    _relays: list[Relay] = field(default_factory=list)

    async def __aenter__(self) -> FaxMachine:
        people = self.bench.people
        if not isinstance(people, SipPeople):
            script = PhoneScript("*", answer_after_s=0.3, is_fax=True, hang_up_after_s=self.hang_up_after_s)
            (await people.far_end()).behave(script)
            return self
        await people.free_far_end()
        for port in (people.site.gateway[1], 0):
            relay = Relay("fax", people.site.trunks)
            await relay.open(people.site.gateway[0], port)
            self._relays.append(relay)
        self._tasks.once("fax machine", self._receive(*self._relays))
        return self

    async def stay(self) -> None:
        """From the next call on it does not hang up in the middle."""
        self.hang_up_after_s = None
        if not isinstance(self.bench.people, SipPeople):
            await self.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        await self._tasks.stop()
        for relay in self._relays:
            for call in relay.calls:
                await call.hang_up()
            await relay.close()
        for path in self.got:
            path.unlink(missing_ok=True)

    async def _receive(self, front: Relay, back: Relay) -> None:
        while True:
            calling = await asyncio.wait_for(front.arrived.get(), CALLED_S)
            self.got.append(self.bench.plan.spool_dir / "fax" / f"got-{new_id()}.tif")
            t38 = "true" if self.takes_t38 else "false"
            known = f"{{absolute_codec_string=PCMA,fax_enable_t38={t38},ignore_early_media=true}}"
            await self.bench.ear.order(f"bgapi originate {known}sofia/trunks/fax@{back.address} &rxfax({self.got[-1]})")
            receiving = await asyncio.wait_for(back.arrived.get(), 10)
            calling.join(receiving)
            if self.hang_up_after_s is not None:
                self._tasks.once("hang up", self._cut(calling, self.hang_up_after_s))

    @staticmethod
    async def _cut(call: JoinedCall, after_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(after_s):
                await call.over.wait()
        call.leave()
        if call.other is not None:
            call.other.leave()
