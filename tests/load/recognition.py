"""How well, and how fast, ivr understands: ``python -m tests.load.recognition``.

Every English phrase of the bank's main flow is spoken by each voice this machine has, sent over ivr's own recogniser to the engine of
tools/recogniser.py, and turned into a choice as the flow does. Prints a table: words right, choices right (at once, or by being asked
back), and the time from the last sample handed over to the text.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table
from websockets.asyncio.server import serve

from ipcc.clock import SystemClock
from ipcc.metrics import Metrics
from services.ivr.core.actions import Heard
from services.ivr.core.nodes.recognise import RecogniseNode
from services.ivr.core.phrases import choose
from services.ivr.ports import Sound
from services.ivr.recogniser import WebsocketRecogniser
from services.ivr.rehearsing import open_folder
from tests.support.voices import spoken, voices_here
from tools.recogniser import PhraseEngine, Server

ROOT = Path(__file__).resolve().parents[2]
RATE = 8000
# as record leaves it: the second of silence by which he is known to have ended
SILENCE = bytes(2 * RATE)


@dataclass
class Figures:
    """Of one voice; ``took_s`` an utterance."""

    words: int = 0
    words_right: int = 0
    utterances: int = 0
    at_once: int = 0
    asked_back: int = 0
    wrong: int = 0
    took_s: list[float] = field(default_factory=list)

    def add(self, phrase: str, heard: Heard, took_s: float, wanted: str, node: RecogniseNode) -> None:
        """Count one utterance."""
        said, text = phrase.split(), heard.text.split()
        self.words += len(said)
        matching = SequenceMatcher(None, said, text, autojunk=False).get_matching_blocks()
        self.words_right += sum(block.size for block in matching)
        self.utterances += 1
        self.took_s.append(took_s)
        phrases = {name: choice.phrases["en"] for name, choice in node.choices.items()}
        found = choose(heard.text, phrases) if heard.confidence >= node.confidence else ""
        is_sure = heard.confidence >= node.confirm_below
        self.at_once += found == wanted and is_sure
        self.asked_back += found == wanted and not is_sure
        self.wrong += found not in ("", wanted) and is_sure

    def row(self) -> Iterable[str]:
        """For the table."""
        took = sorted(self.took_s)
        yield f"{100 * self.words_right / self.words:.0f} % of {self.words}"
        for count in (self.at_once, self.asked_back, self.wrong):
            yield f"{count} of {self.utterances}"
        yield f"{1000 * took[len(took) // 2]:.0f}"
        yield f"{1000 * took[-1]:.0f}"


async def measure() -> None:
    """Speak, ask, count, print."""
    store = open_folder(ROOT / "flows", ROOT / "freeswitch/sounds/prompts.yaml")
    node = store.parts()["bank-main"].nodes["wish"]
    assert isinstance(node, RecogniseNode)
    hints = [phrase for choice in node.choices.values() for phrase in choice.phrases["en"]]
    table = Table("voice", "words right", "chosen at once", "asked back", "wrong", "median ms", "longest ms")
    async with serve(Server(PhraseEngine()).answer, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        asked = WebsocketRecogniser(url, 30.0, SystemClock(), Metrics("ivr"), takes_phrases=True)
        await asked.recognise(Sound(SILENCE, RATE), "en", hints)
        for voice in voices_here():
            table.add_row(voice, *(await _measured(asked, voice, node, hints)).row())
    Console(width=140).print(table)
    print(f"load {os.getloadavg()[0]:.1f}, {json.dumps({'phrases': len(hints)})}")


async def _measured(asked: WebsocketRecogniser, voice: str, node: RecogniseNode, hints: list[str]) -> Figures:
    figures = Figures()
    with TemporaryDirectory() as folder:
        for name, choice in node.choices.items():
            for phrase in choice.phrases["en"]:
                sound = Sound(spoken(phrase, voice, Path(folder)) + SILENCE, RATE)
                began = time.perf_counter()
                heard = await asked.recognise(sound, "en", hints)
                figures.add(phrase, heard, time.perf_counter() - began, name, node)
    return figures


if __name__ == "__main__":
    asyncio.run(measure())
