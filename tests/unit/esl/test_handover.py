"""From the reader's thread to the loop: everything, in order, never waiting."""

from __future__ import annotations

import asyncio
import threading

from ipcc.esl.handover import Handover
from tests.support.until import until


async def test_what_another_thread_puts_arrives_in_order() -> None:
    taken: list[int] = []
    handover = Handover(asyncio.get_running_loop(), taken.append, limit=1_000_000)

    def put() -> None:
        for number in range(20_000):
            assert handover.put(number)

    thread = threading.Thread(target=put)
    thread.start()
    await until(lambda: len(taken) == 20_000, what="all arrived")
    thread.join()
    assert taken == list(range(20_000))
    assert handover.waiting == 0


async def test_beyond_the_limit_it_says_no_but_takes_the_last_word() -> None:
    taken: list[str] = []
    handover = Handover(asyncio.get_running_loop(), taken.append, limit=10)
    assert handover.put("a", 8)
    assert handover.put("b", 8)
    assert not handover.put("c", 1)
    assert handover.put_last("end", 0)
    await until(lambda: taken == ["a", "b", "end"], what="three arrived")
    assert handover.put("d", 8)


async def test_a_taker_that_fails_loses_only_its_own_item() -> None:
    taken: list[int] = []
    failures: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(str(context["exception"])))

    def take(number: int) -> None:
        if number == 2:
            raise ValueError("two")
        taken.append(number)

    handover = Handover(loop, take, limit=100)
    for number in range(5):
        handover.put(number)
    await until(lambda: taken == [0, 1, 3, 4], what="the others arrived")
    assert failures == ["two"]


async def test_other_work_gets_its_turn_in_a_flood() -> None:
    taken: list[int] = []
    handover = Handover(asyncio.get_running_loop(), taken.append, limit=10_000)
    for number in range(5_000):
        handover.put(number)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(taken) < 5_000
    await until(lambda: len(taken) == 5_000, what="all arrived")


def test_a_loop_that_is_closed_takes_nothing() -> None:
    loop = asyncio.new_event_loop()
    handover: Handover[int] = Handover(loop, lambda _: None, limit=10)
    loop.close()
    assert not handover.put(1)
