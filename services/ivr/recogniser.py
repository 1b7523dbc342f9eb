"""A speech recogniser over a WebSocket, in the protocol of vosk-server: the port Recogniser.

One connection an utterance: a text ``{"config": …}``, the samples as binary messages, the text ``{"eof" : 1}``; the engine answers with
objects that may have ``text`` and, word by word with its ``conf``, ``result``, and closes. What a caller said is in these messages
only, never in an error, a log or a metric.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidURI, WebSocketException

from ipcc.clock import Clock
from ipcc.metrics import IVR_RECOGNITION_DURATION, Metrics
from services.ivr.core.actions import Heard
from services.ivr.core.breaker import Breaker, Stance
from services.ivr.ports import Sound

log = structlog.get_logger(__name__)

FAILURES, PAUSE = 3, timedelta(seconds=15)
CLOSE_S = 0.5
CHUNK_S = 0.25
# exactly so: the reference server compares letter by letter
END = '{"eof" : 1}'
LONGEST_ANSWER = 65_536
LONGEST_TEXT = 500
UNAVAILABLE = Heard("unavailable")
# the library would write every message, and so what the caller said, into a log that is told everything
_SILENT = logging.getLogger(f"{__name__}.wire")
_SILENT.setLevel(logging.CRITICAL)


class _Nonsense(Exception):
    """An answer that is none."""


@dataclass
class WebsocketRecogniser:
    """``url`` may have {language}. After FAILURES in a row the engine is left alone for PAUSE."""

    url: str
    timeout_s: float
    clock: Clock
    metrics: Metrics
    takes_phrases: bool = False
    _breaker: Breaker = field(default_factory=lambda: Breaker(FAILURES, PAUSE))

    def is_ready(self) -> bool:
        """See the port."""
        return self._breaker.stance(self.clock.now()) is not Stance.OPEN

    async def recognise(self, sound: Sound, language: str, hints: Sequence[str]) -> Heard:
        """See the port."""
        if not self._breaker.admits(self.clock.now()):
            return UNAVAILABLE
        began = asyncio.get_running_loop().time()
        heard: Heard | None = None
        try:
            heard = await self._ask_in_time(sound, language, hints)
        finally:
            self._note(heard)
        elapsed = asyncio.get_running_loop().time() - began
        self.metrics.observe(IVR_RECOGNITION_DURATION, elapsed, outcome=heard.outcome, confidence=_band(heard))
        return heard

    def _note(self, heard: Heard | None) -> None:
        if heard is None:
            self._breaker.given_up()
        elif heard.outcome == "unavailable":
            self._breaker.failed(self.clock.now())
        else:
            self._breaker.succeeded()

    async def _ask_in_time(self, sound: Sound, language: str, hints: Sequence[str]) -> Heard:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._ask(sound, language, hints)
        except TimeoutError:
            reason = "slow"
        except ConnectionClosed:
            reason = "cut_off"
        except _Nonsense:
            reason = "nonsense"
        except (OSError, WebSocketException, InvalidURI) as error:
            reason = type(error).__name__
        log.warning("recogniser_failed", reason=reason)
        return UNAVAILABLE

    async def _ask(self, sound: Sound, language: str, hints: Sequence[str]) -> Heard:
        config: dict[str, Any] = {"sample_rate": sound.rate, "words": True, "language": language}
        if self.takes_phrases and hints:
            config["phrase_list"] = list(hints)
        async with connect(
            self.url.replace("{language}", language),
            # a proxy named in the environment must never hear a caller
            proxy=None,
            compression=None,
            open_timeout=None,
            close_timeout=CLOSE_S,
            max_size=LONGEST_ANSWER,
            logger=_SILENT,
        ) as link:
            await link.send(orjson.dumps({"config": config}).decode())
            sending = asyncio.get_running_loop().create_task(_send(link, sound))
            try:
                return await _hear(link, sending)
            finally:
                sending.cancel()
                await asyncio.wait({sending})
                if not sending.cancelled():
                    # looked at, or the loop complains of a fault nobody saw
                    sending.exception()


async def _send(link: ClientConnection, sound: Sound) -> None:
    step = max(1, int(sound.rate * CHUNK_S)) * 2
    for at in range(0, len(sound.samples), step):
        await link.send(sound.samples[at : at + step])
    await link.send(END)


async def _hear(link: ClientConnection, sending: asyncio.Task[None]) -> Heard:
    """All texts of one utterance: an engine that hears a pause gives one for each part. Raises _Nonsense, ConnectionClosed."""
    texts: list[str] = []
    sure: list[float] = []
    has_answer = False
    async for message in link:
        answer = _read(message)
        if "text" in answer:
            has_answer = True
            texts.append(_text(answer))
            sure += _confidences(answer) if texts[-1] else []
    # the engine has closed in good order: an error would have been raised
    if not sending.done():
        raise _Nonsense
    sending.result()
    if not has_answer:
        raise _Nonsense
    text = " ".join(one for one in texts if one)[:LONGEST_TEXT]
    return Heard("heard", text, sum(sure) / len(sure)) if text else Heard("nothing")


def _read(message: str | bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise _Nonsense from None
    if not isinstance(answer, dict):
        raise _Nonsense
    return answer


def _text(answer: dict[str, Any]) -> str:
    text = answer["text"]
    if not isinstance(text, str):
        raise _Nonsense
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _confidences(answer: dict[str, Any]) -> list[float]:
    """That of the whole, or of each word. A text nobody is sure of to any degree is no answer: raises _Nonsense."""
    found = list(_given(answer))
    if not found or not all(isinstance(one, int | float) and 0 <= one <= 1 for one in found):
        raise _Nonsense
    return [float(one) for one in found]


def _given(answer: dict[str, Any]) -> Iterator[Any]:
    if "confidence" in answer:
        yield answer["confidence"]
        return
    words = answer.get("result")
    for word in words if isinstance(words, list) else ():
        yield word.get("conf") if isinstance(word, dict) else None


def _band(heard: Heard) -> str:
    if heard.outcome != "heard":
        return "none"
    return "high" if heard.confidence >= 0.8 else "medium" if heard.confidence >= 0.5 else "low"
