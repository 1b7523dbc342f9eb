"""How many switch events one core frames, parses and understands, beside stock greenswitch in the same run.

``python -m tests.load.esl_parse [repeats]`` prints a table: the events of transcript 13b (50 calls at 20 a second, recorded),
in pieces of 64 KB as a socket gives them. Processor time, the best of all repeats of each, taken in turns so that a busy
machine disturbs all alike. The target of the design is 5 times stock; ratios count, not the figures of one machine.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from typing import Any

from greenswitch.esl import ESLEvent, ESLProtocol

from ipcc.esl.normalise import normalise
from ipcc.esl.wire import Decoder, Frame, event_of
from tests.traces import recorded

PIECE = 64 * 1024


class Answered:
    """Takes the answers stock hands out; the transcript has some besides its events."""

    def set(self, _answer: object) -> None:
        """Not needed here."""


def pieces(data: bytes) -> list[bytes]:
    return [data[place : place + PIECE] for place in range(0, len(data), PIECE)]


def frames_of(cut: list[bytes]) -> list[Frame]:
    decoder = Decoder()
    return [frame for piece in cut for frame in decoder.feed(piece) if frame.is_event]


def stock_whole(data: bytes) -> int:
    """greenswitch's reader on the same bytes; how many events it queued."""
    protocol: Any = ESLProtocol()
    protocol.sock_file = io.BytesIO(data)
    protocol.connected = True
    protocol._commands_sent = [Answered() for _ in range(1000)]
    protocol.receive_events()
    return int(protocol._esl_event_queue.qsize())


def stock_parser(frames: list[Frame]) -> None:
    for frame in frames:
        ESLEvent("Content-Type: text/event-plain\n").parse_data(frame.body.decode())


def ours(cut: list[bytes]) -> None:
    for frame in frames_of(cut):
        normalise(event_of(frame))


def ours_and_all_headers(cut: list[bytes]) -> None:
    for frame in frames_of(cut):
        event = event_of(frame)
        normalise(event)
        event.headers()


def best_of(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    best = dict.fromkeys(works, float("inf"))
    for _ in range(repeats):
        for name, work in works.items():
            started = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - started)
    return best


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    data = recorded.bytes_in("13b-load-bridge")
    cut = pieces(data)
    frames = frames_of(cut)
    taken = best_of(
        {
            "stock greenswitch, framed and parsed": lambda: stock_whole(data),
            "stock greenswitch, its parser alone": lambda: stock_parser(frames),
            "ours, framed": lambda: frames_of(cut),
            "ours, framed, parsed and normalised": lambda: ours(cut),
            "ours, the same and every header decoded": lambda: ours_and_all_headers(cut),
        },
        repeats,
    )
    stock = taken["stock greenswitch, framed and parsed"]
    print(f"{len(frames)} events of {len(data) // len(frames)} bytes on average, best of {repeats}")
    print(f"{'':44}{'events/s':>10}{'us/event':>10}{'times stock':>13}")
    for name, seconds in taken.items():
        print(f"{name:44}{len(frames) / seconds:>10,.0f}{seconds / len(frames) * 1e6:>10.1f}{stock / seconds:>13.2f}")


if __name__ == "__main__":
    main()
