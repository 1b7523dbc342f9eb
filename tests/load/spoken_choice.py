"""From the end of what a caller says to the next prompt, on the real switch: ``python -m tests.load.spoken_choice [calls]``.

The switch is that of the environment (tests/live/README.md), the engine that of tools/recogniser.py, the caller a telephone by SIP with
one of Debian's voices. Prints milliseconds by the switch's own clock: its end of the recording, which comes ``SILENCE_S`` after his last
word, to the start of the next prompt; and from his last packet of speech to the same, by ours.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from websockets.asyncio.server import serve

from ipcc.clock import SystemClock
from tests.live.bench import Bench
from tests.live.by_sip import SipLine
from tests.live.conftest import stand
from tests.live.kinds import Middle, failing, number_of, plan_of
from tests.support.until import until
from tests.support.voices import samples_of
from tools.recogniser import PhraseEngine, Server

SILENCE_S = 1
CHOICES = {
    "loss": {"phrases": {"en": ["lost card", "report a loss"], "zh": ["挂失"]}, "next": "after"},
    "transfer": {"phrases": {"en": ["send money", "transfer"], "zh": ["转账"]}, "next": "after"},
}
NODE = {"prompts": ["say-wish"], "choices": CHOICES, "silence_s": SILENCE_S, "confidence": 0.4}
ENGLISH = {"kind": "language", "language": "en", "next": "mid"}


async def one(bench: Bench, samples: list[int]) -> tuple[float, float]:
    """One call: milliseconds after the recording, and after his last word."""
    call = await bench.call(dialled=number_of(0))
    assert isinstance(call.line, SipLine)
    await call.line.speak(speaks=False)
    await until(lambda: bench.ear.heard("CHANNEL_EXECUTE", call.id, Application="record"), 30, "he is listened to")
    await call.line.call.stream.say(samples)
    silent_at = SystemClock().now()
    await bench.prompted(call, "welcome")
    [over] = bench.ear.heard("CHANNEL_EXECUTE_COMPLETE", call.id, Application="record")
    said = bench.ear.heard("CHANNEL_EXECUTE", call.id, Application_Data="/welcome.wav")[0]
    await call.line.hang_up()
    return 1000 * (said.at - over.at).total_seconds(), 1000 * (said.at - silent_at).total_seconds()


async def main(calls: int) -> int:
    """Call, speak, measure, print."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        samples = samples_of("lost card", "awb", folder)
        async with serve(Server(PhraseEngine()).answer, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            os.environ |= {"IPCC_IVR__RECOGNISER_URL": f"ws://127.0.0.1:{port}"}
            os.environ |= {"IPCC_IVR__RECOGNISER_TAKES_PHRASES": "true"}
            async with stand("real", folder) as bench:
                unavailable = failing("end", "on_unavailable", "on_failure")
                bench.plan = plan_of(bench.plan, folder, (Middle("recognise", NODE | unavailable, before=ENGLISH),))
                async with bench.served():
                    took = [await one(bench, samples) for _ in range(calls)]
    for what, found in zip(("recording over", "last word"), zip(*took, strict=True), strict=True):
        print(f"{what} -> next prompt: median {median(found):.0f} ms, longest {max(found):.0f} ms, {calls} calls")
    print(f"load of the machine {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)))
