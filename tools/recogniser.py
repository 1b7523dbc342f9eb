"""A speech recogniser for trying: PocketSphinx behind the protocol of vosk-server. ``python -m tools.recogniser --port 2700``.

English, and nothing but the phrases a flow sends (``IPCC_IVR__RECOGNISER_TAKES_PHRASES=true``): what a bank needs in production it does
not do. It is here so that the way from a caller's voice to his choice is tried with an engine that really listens. A library of the
development environment; its model comes with it.
"""

from __future__ import annotations

import argparse
import array
import asyncio
import json
import math
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pocketsphinx import Decoder
from websockets.asyncio.server import ServerConnection, serve

MODEL_RATE = 16_000
END = '{"eof" : 1}'
# mean logarithm of the acoustic score of a frame, measured on phrases that were said and on others: above the first all were right, at
# the second hardly any
SURE, LOST = -2.0, -7.0
MOST_SAMPLES = 60 * MODEL_RATE
LEAST_SCORE = 1e-300


@dataclass(frozen=True)
class Said:
    """Words and how sure the engine is of them, from 0 to 1; no words: nothing."""

    words: tuple[str, ...] = ()
    confidence: float = 0.0


@dataclass
class PhraseEngine:
    """Hears one of the phrases it is given. One utterance at a time; what it is given is of one channel and 16 bits."""

    _decoder: Any = field(default_factory=lambda: Decoder(samprate=MODEL_RATE, lm=None, loglevel="FATAL"))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: dict[tuple[str, ...], str] = field(default_factory=dict)

    def recognise(self, samples: bytes, rate: int, phrases: Sequence[str]) -> Said:
        """What was said, as far as it is one of ``phrases``; such as have a word the dictionary has not are left out."""
        with self._lock:
            if not self._choose(phrases):
                return Said()
            self._decoder.start_utt()
            self._decoder.process_raw(at_model_rate(samples, rate), full_utt=True)
            self._decoder.end_utt()
            if self._decoder.hyp() is None:
                return Said()
            said = _heard([one for one in self._decoder.seg() if not one.word.startswith(("<", "["))])
            # one that broke off in the middle of a phrase is none
            return said if " ".join(said.words) in self._usable(phrases) else Said()

    def _usable(self, phrases: Sequence[str]) -> tuple[str, ...]:
        lowered = (phrase.casefold() for phrase in phrases)
        return tuple(sorted({p for p in lowered if p.split() and all(map(self._decoder.lookup_word, p.split()))}))

    def _choose(self, phrases: Sequence[str]) -> bool:
        usable = self._usable(phrases)
        if usable and usable not in self._known:
            self._known[usable] = f"g{len(self._known)}"
            grammar = f"#JSGF V1.0; grammar g; public <said> = {' | '.join(usable)};"
            self._decoder.add_jsgf_string(self._known[usable], grammar)
        if usable:
            self._decoder.activate_search(self._known[usable])
        return bool(usable)


def _heard(segments: Sequence[Any]) -> Said:
    frames = sum(one.end_frame - one.start_frame + 1 for one in segments)
    if not frames:
        return Said()
    score = sum(math.log(max(one.ascore, LEAST_SCORE)) for one in segments) / frames
    # a word that is spoken in several ways is named apple(2)
    words = tuple(one.word.partition("(")[0] for one in segments)
    return Said(words, round(min(max((score - LOST) / (SURE - LOST), 0.0), 1.0), 3))


def at_model_rate(samples: bytes, rate: int) -> bytes:
    """The same sound at the rate of the model, by straight lines between samples."""
    given = array.array("h", samples[: len(samples) // 2 * 2])
    if sys.byteorder == "big":
        given.byteswap()
    if rate == MODEL_RATE or not given:
        return given.tobytes()
    step = rate / MODEL_RATE
    made = array.array("h")
    for n in range(min(int((len(given) - 1) / step) + 1, MOST_SAMPLES)):
        at, part = int(n * step), n * step % 1
        after = given[min(at + 1, len(given) - 1)]
        made.append(round(given[at] + (after - given[at]) * part))
    return made.tobytes()


@dataclass
class Server:
    """The protocol: a configuration, sound, the end; then one result, and the link is closed."""

    engine: PhraseEngine

    async def answer(self, link: ServerConnection) -> None:
        """One utterance."""
        config: dict[str, Any] = {}
        sound = bytearray()
        async for message in link:
            if isinstance(message, bytes):
                sound += message[: 2 * MOST_SAMPLES - len(sound)]
            elif message == END:
                await link.send(json.dumps(await self._result(bytes(sound), config)))
                return
            else:
                config = json.loads(message)["config"]

    async def _result(self, sound: bytes, config: dict[str, Any]) -> dict[str, Any]:
        phrases = config.get("phrase_list", [])
        said = await asyncio.to_thread(self.engine.recognise, sound, int(config["sample_rate"]), phrases)
        result = [{"word": word, "conf": said.confidence} for word in said.words]
        return {"text": " ".join(said.words), **({"result": result} if result else {})}


async def main(port: int) -> None:
    """Serve for ever on this machine."""
    async with serve(Server(PhraseEngine()).answer, "127.0.0.1", port) as server:
        sys.stdout.write(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=2700, help="0 takes any free one")
    asyncio.run(main(parser.parse_args().port))
