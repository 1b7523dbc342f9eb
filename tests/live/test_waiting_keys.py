"""What a caller keys while he waits: one key asks for a callback, the others leave his music alone."""

from __future__ import annotations

from typing import Any

from tests.live.bench import Arrival, Bench
from tests.live.people import Heard
from tests.support.until import until


async def callbacks(bench: Bench) -> list[dict[str, Any]]:
    return await bench.get("acd", "/v1/callbacks") or []


def times_played(bench: Bench, call: Arrival) -> int:
    return len(bench.ear.heard("CHANNEL_EXECUTE", call.id, Application_Data="local_stream://ipcc"))


async def test_a_caller_keeps_his_music_whatever_he_keys_and_his_place_when_he_asks_to_be_called_back(
    bench: Bench,
) -> None:
    call = await bench.call_for_agent()
    await until(lambda: times_played(bench, call) == 1, what="the music")
    await call.line.press("*7#")
    await call.line.press("*")

    async def hears_music() -> bool:
        return await call.line.hear() is Heard.SOUND

    await until(hears_music, what="music after a star")
    assert times_played(bench, call) == 1
    await call.line.press("1")
    await bench.prompted(call, "callback-done")
    await until(lambda: call.line.end is not None, 20, "the end of the call")
    (wanted,) = await callbacks(bench)
    assert (wanted["queue_id"], wanted["position"], wanted["is_on_the_line"]) == ("retail", 1, False)
    cancelled = await bench.client.delete(f"{bench.suite.urls['acd']}/v1/callbacks/{wanted['entry_id']}")  # type: ignore[union-attr]
    assert cancelled.is_success
    journey = await bench.journey(call)
    assert journey["sessions"][0]["outcome"] == "completed"
    assert journey["sessions"][0]["path"][-3:] == ["to-agent", "called-back", "end"]
