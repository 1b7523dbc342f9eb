"""mod_callcenter on the same switch, for comparison: the same agents' phones, callers parked in the same way, the same pace."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress

from ipcc.ids import new_id
from tests.live.ear import Ear
from tests.support.until import until

QUEUE = "support@default"


async def is_there(ear: Ear) -> bool:
    """Whether the switch has the module, with the queue of its stock configuration."""
    if (await ear.api("module_exists mod_callcenter")).strip() != "true":
        return False
    return QUEUE in await ear.api("callcenter_config queue list")


async def staff(ear: Ear, phones: Sequence[str]) -> None:
    """Everybody is an agent of the queue, idle."""
    for phone in phones:
        agent = f"{phone}@default"
        # its database remembers an earlier run
        for order in (f"tier del {QUEUE} {agent}", f"agent del {agent}"):
            await ear.api(f"callcenter_config {order}")
        for order in (
            f"agent add {agent} callback",
            f"agent set contact {agent} [leg_timeout=10]user/{phone}",
            f"agent set wrap_up_time {agent} 0",
            f"agent set max_no_answer {agent} 0",
            f"agent set status {agent} Available",
            f"agent set state {agent} Waiting",
            f"tier add {QUEUE} {agent} 1 1",
        ):
            answer = await ear.api(f"callcenter_config {order}")
            assert answer.startswith("+OK"), f"{order}: {answer}"


async def measure(
    ear: Ear, invited: Callable[[], dict[str, float]], rate: float, calls: int, first: int
) -> tuple[list[float], int]:
    """Milliseconds from the order to queue a parked caller to the INVITE at a phone, and for how many none rang."""
    loop = asyncio.get_running_loop()
    asked: dict[str, float] = {}
    legs: dict[str, str] = {}
    numbers = [f"139{first + index:08}" for index in range(calls)]
    began = loop.time()
    for index, number in enumerate(numbers):
        # at any moment of a poll's round, and not always at the same
        await asyncio.sleep(began + (index + random.random()) / rate - loop.time())
        leg = legs[number] = new_id()
        tags = f"origination_uuid={leg},ipcc_call_id={leg},ipcc_role=customer,origination_caller_id_number={number}"
        await ear.api(f"originate {{{tags}}}null/{number} &park()")
        asked[number] = loop.time()
        await ear.api(f"uuid_transfer {leg} callcenter:{QUEUE} inline")
    with suppress(AssertionError):
        await until(lambda: set(numbers) <= invited().keys(), 10, "a phone rings for everybody")
    rung = invited()
    for leg in legs.values():
        await ear.api(f"uuid_kill {leg}")
    return [(rung[n] - asked[n]) * 1000 for n in numbers if n in rung], sum(n not in rung for n in numbers)
