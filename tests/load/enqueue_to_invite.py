"""How long a contact that enters a queue waits for a phone to ring when an agent is idle, at rates of arrival.

``python -m tests.load.enqueue_to_invite [calls]`` (200) makes that many calls at 1, 5 and 20 a second, with acd and ctiserver in
processes of their own on a real Kafka: on the simulated switch, or on the real one of ``tests/live/real.py`` when the environment
names it; there mod_callcenter is measured in between, if the switch has loaded it with its stock queue. Callers are parked
already: what is measured begins with the command that queues them (``asked``, by this process's clock) or with acd's own word that
they are queued (``queued``), and ends with the INVITE at the agent's phone.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ipcc.contracts.acd import EntryQueued, WaitForetold
from ipcc.ids import new_id
from ipcc.sim.outputs import Output, PhoneInvited
from ipcc.sim.people import Caller, PhoneScript
from ipcc.tasks import Tasks
from tests.live.by_sip import RegisteredPhone, SipPeople
from tests.live.ear import Ear
from tests.live.real import RealSwitch, real_switch, site_of
from tests.load import callcenter
from tests.load.acd_rig import Rig, Site, Staff, rig, simulated
from tests.load.queue_to_invite import MOD_CALLCENTER_MS, spread
from tests.support.kafka_broker import KafkaBroker
from tests.support.until import until

RATES = (1.0, 5.0, 20.0)
STAFF = Staff(20, answer_s=0.1, talk_s=0.2, first_phone=1001)
REFRESH_S = 40
"""The switch lets a registration last two minutes at most; a phone renews it long before."""
# the first calls open connections and fill caches
WARM = 10
Park = Callable[[str], Awaitable[str]]


@dataclass
class Moments:
    """By caller's number, on this loop's clock: when he asked to be queued, and when a phone rang for him."""

    asked: dict[str, float] = field(default_factory=dict)
    invited: dict[str, float] = field(default_factory=dict)


@dataclass
class Measured:
    """Milliseconds of every call at one rate that found an agent idle."""

    rate: float
    asked: list[float] = field(default_factory=list)
    queued: list[float] = field(default_factory=list)
    nobody_idle: int = 0
    not_rung: int = 0


@dataclass
class Phones:
    """What parks a caller, and what is told when phones ring."""

    park: Park
    invited: Callable[[], dict[str, float]]
    other: Ear | None = None
    """The switch's own mod_callcenter, staffed with the same phones; None when there is none."""


async def measure(floor: Rig, phones: Phones, rate: float, calls: int) -> Measured:
    """So many calls at one rate."""
    loop = asyncio.get_running_loop()
    moments = Moments()
    base = len(floor.callers)
    wanted = [f"138{base + index:08}" for index in range(calls)]

    async def come(number: str) -> None:
        leg = await phones.park(number)
        floor.callers.append(leg)
        moments.asked[number] = loop.time()
        await floor.enqueue(leg, number)

    began = loop.time()
    for index, number in enumerate(wanted):
        # at any moment of a poll's round, and not always at the same
        await asyncio.sleep(began + (index + random.random()) / rate - loop.time())
        floor.tasks.once("caller", come(number))
    with suppress(AssertionError):
        await until(lambda: set(wanted) <= phones.invited().keys(), 10, "a phone rings for everybody")
    moments.invited = phones.invited()
    offset = floor.clock.now().timestamp() - loop.time()
    log = [told.event for told in await floor.log()]
    queued = {
        t.event.caller_number: t.at.timestamp() - offset for t in await floor.log() if isinstance(t.event, EntryQueued)
    }
    entries = {e.entry_id: e.caller_number for e in log if isinstance(e, EntryQueued)}
    waited = {entries[e.entry_id] for e in log if isinstance(e, WaitForetold)}
    found = Measured(rate)
    for number, asked in moments.asked.items():
        if number in waited:
            found.nobody_idle += 1
            continue
        if number not in moments.invited:
            found.not_rung += 1
            continue
        found.asked.append((moments.invited[number] - asked) * 1000)
        found.queued.append((moments.invited[number] - queued[number]) * 1000)
    return found


@asynccontextmanager
async def on_simulator(folder: Path) -> AsyncIterator[tuple[Site, Phones]]:
    """Callers who are parked by the dialplan of a simulated switch."""
    invited: dict[str, float] = {}
    async with simulated(folder, STAFF) as site:
        switch = site.sim
        assert switch is not None

        def hear(output: Output) -> None:
            if isinstance(output, PhoneInvited):
                invited[output.caller_number] = asyncio.get_running_loop().time()

        async def park(number: str) -> str:
            caller = Caller(number, "95500", talk_s=STAFF.talk_s, variables={"ipcc_trunk": "test"})
            call = switch.place_call(caller)
            assert call is not None
            switch.api("uuid_answer", call)
            return call

        switch.add_listener(hear)
        yield site, Phones(park, lambda: invited)


@asynccontextmanager
async def on_real(real: RealSwitch) -> AsyncIterator[tuple[Site, Phones]]:
    """Callers are parked legs without a phone; agents are SIP phones here."""
    ear = Ear()
    await ear.open(real.address, real.password)
    people = SipPeople(await site_of(ear, real.phone_passwords))
    phones: list[RegisteredPhone] = []
    legs: list[str] = []
    tasks = Tasks()
    try:
        for number in STAFF.phones:
            phone = await people.phone(number)
            phone.behave(PhoneScript(number, answer_after_s=STAFF.answer_s, hang_up_after_s=STAFF.talk_s))
            await phone.register()
            phones.append(phone)
        tasks.spawn("registrations", lambda: _refresh(phones))

        async def park(number: str) -> str:
            leg = new_id()
            tags = f"origination_uuid={leg},ipcc_call_id={leg},ipcc_role=customer,origination_caller_id_number={number}"
            answer = await ear.api(f"originate {{{tags}}}null/{number} &park()")
            assert answer.startswith("+OK"), answer
            legs.append(leg)
            return leg

        def invited() -> dict[str, float]:
            calls = [call for phone in phones for call in phone.sip.calls]
            return {_number(call.invite.get("from")): call.began_at for call in calls}

        other = None
        if await callcenter.is_there(ear):
            other = Ear()
            await other.open(real.address, real.password, hears="")
            await callcenter.staff(other, STAFF.phones)
        yield Site(real.address, real.password, real.spool), Phones(park, invited, other)
        if other is not None:
            await other.close()
    finally:
        await tasks.stop()
        # nobody else knows of them: whoever was not served is still parked
        for leg in legs:
            await ear.api(f"uuid_kill {leg}")
        await people.close()
        await ear.close()


async def _refresh(phones: Sequence[RegisteredPhone]) -> None:
    while True:
        await asyncio.sleep(REFRESH_S)
        for phone in phones:
            await phone.register()


def _number(from_header: str) -> str:
    return from_header.partition("sip:")[2].partition("@")[0]


async def main(calls: int) -> int:
    real = real_switch()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = KafkaBroker(folder / "kafka")
        broker.start()
        try:
            around = on_real(real) if real is not None else on_simulator(folder / "suite")
            async with around as (site, phones), rig(folder / "suite", broker.address, STAFF, site, {}) as floor:
                await floor.prepare()
                _head(calls, is_real=real is not None)
                await measure(floor, phones, 5.0, WARM)
                for at, rate in enumerate(RATES):
                    mine = await measure(floor, phones, rate, calls)
                    _tell(mine)
                    if phones.other is not None:
                        await _compare(mine, phones, rate, calls, at * calls)
        finally:
            broker.stop()
    return 0


async def _compare(mine: Measured, phones: Phones, rate: float, calls: int, first: int) -> None:
    """The same with mod_callcenter on the same switch, at once after ours, and how often ours fits into it."""
    assert phones.other is not None
    values, not_rung = await callcenter.measure(phones.other, phones.invited, rate, calls, first)
    tail = f"{'':>13}{not_rung:>10}{os.getloadavg()[0]:>6.1f}"
    if not values or not mine.asked:
        print(f"{f'{rate:g} calls/s: mod_callcenter':52}  nothing to compare: no phone rang{tail}", flush=True)
        return
    theirs = spread(values)
    print(f"{f'{rate:g} calls/s: mod_callcenter, asked -> INVITE':52}" + _row(theirs) + tail)
    for what, ours in (("asked", spread(mine.asked)), ("queued", spread(mine.queued))):
        times = f"median {theirs[1] / ours[1]:.1f}, p99 {theirs[3] / ours[3]:.1f}; the target is 5"
        print(f"{f'{rate:g} calls/s: mod_callcenter / ours, {what}':52}  {times}", flush=True)


def _head(calls: int, *, is_real: bool) -> None:
    print(f"{'real switch' if is_real else 'simulated switch'}, {calls} calls at each rate, {len(STAFF.phones)} agents")
    columns = "".join(f"{name:>8}" for name in ("min", "median", "p90", "p99", "max"))
    print(f"{'ms':52}{columns}{'nobody idle':>13}{'not rung':>10}{'load':>6}")
    print(f"{'mod_callcenter: 200 OK -> INVITE (recorded, 60 calls)':52}" + _row(MOD_CALLCENTER_MS), flush=True)


def _tell(one: Measured) -> None:
    for what, values in (("asked", one.asked), ("queued", one.queued)):
        if not values:
            print(f"{f'{one.rate:g} calls/s: {what} -> INVITE':52}  no phone rang at once", flush=True)
            continue
        tail = f"{one.nobody_idle:>13}{one.not_rung:>10}{os.getloadavg()[0]:>6.1f}"
        print(f"{f'{one.rate:g} calls/s: {what} -> INVITE':52}" + _row(spread(values)) + tail, flush=True)


def _row(values: tuple[float, ...]) -> str:
    return "".join(f"{value:8.1f}" for value in values)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)))
