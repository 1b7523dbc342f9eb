"""One leg is asked for by itself, whatever else the switch holds: the same row as in the whole list, on either switch."""

from __future__ import annotations

import json
from typing import Any

from tests.live.bench import Bench
from tests.support.until import until


async def test_the_row_of_one_leg_is_that_of_the_whole_list_and_no_other_and_a_leg_that_is_gone_has_none(
    bench: Bench,
) -> None:
    calls = [await bench.call(), await bench.call()]
    for call in calls:
        await bench.prompted(call, "choose-language")

    async def like(leg: str) -> Any:
        return json.loads(await bench.ear.api(f"show channels like {leg} as json"))

    async def is_listed(leg: str) -> bool:
        # the switch writes its list up to 0.2 s late: between two questions it may have written
        whole = [row for row in await bench.ear.channels() if row["uuid"] == leg]
        return bool(whole) and await like(leg) == {"row_count": 1, "rows": whole}

    for call in calls:
        await until(lambda call=call: is_listed(call.id), 3, "the one row of the leg")  # type: ignore[misc]
    for call in calls:
        await call.line.hang_up()
    await bench.until_empty()
    assert await like(calls[0].id) == {"row_count": 0}
