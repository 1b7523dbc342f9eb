"""A question for keys is ended from outside by a key, which a break alone does not: on either switch."""

from __future__ import annotations

from tests.live.bench import Arrival, Bench
from tests.live.test_main_path import CARD
from tests.support.until import until

# the shortest question of the flow waits longer than this for the first key
SOON_S = 3.0


async def cut_short(bench: Bench, call: Arrival) -> None:
    """As the replica does that takes the caller up."""

    def ended() -> int:
        return len(bench.ear.heard("CHANNEL_EXECUTE_COMPLETE", call.id, Application="play_and_get_digits"))

    before = ended()
    await bench.ear.api(f"uuid_break {call.id} all")

    async def is_asked() -> bool:
        rows = [row for row in await bench.ear.channels() if row["uuid"] == call.id]
        # a real switch writes its table of channels a moment late
        return [row["application"] for row in rows] == ["play_and_get_digits"]

    await until(is_asked, SOON_S, "he is asked")
    assert ended() == before
    assert (await bench.ear.api(f"uuid_recv_dtmf {call.id} #*")).startswith("+OK")
    await until(lambda: ended() > before, SOON_S, "the question is over")
    await bench.ear.api(f"uuid_flush_dtmf {call.id}")


async def test_a_question_is_over_at_once_and_the_next_one_gets_no_key_of_it(bench: Bench) -> None:
    call = await bench.call()
    await bench.prompted(call, "choose-language")
    await call.line.press("1")
    await bench.prompted(call, "main-menu")
    await call.line.press("1")
    await bench.prompted(call, "enter-card")
    # with nothing keyed, and with half a number
    await cut_short(bench, call)
    await bench.prompted(call, "enter-card", nth=2)
    await call.line.press(CARD[:4])
    await cut_short(bench, call)
    await bench.prompted(call, "enter-card", nth=3)
    await call.line.press(CARD + "#")
    await bench.prompted(call, "enter-pin")
    await call.line.hang_up()
    # where one key is an answer, the first is; that flow says goodbye to whoever keys it
    hasty = await bench.call()
    await bench.prompted(hasty, "choose-language")
    await cut_short(bench, hasty)
    await until(lambda: hasty.line.end is not None, 20, "the end of the call")
    await bench.until_empty()
