"""Machines that callers meet who walk at random: some receive faxes and some do not, one understands what is said, or not."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from websockets.exceptions import ConnectionClosedError

from ipcc.clock import Clock
from ipcc.errors import Invalid
from services.ivr.core.actions import Faxed, Heard, SendFax
from services.ivr.core.fax_job import goes_on_after
from services.ivr.core.session import Session
from services.ivr.core.statement import written
from services.ivr.ports import Line, Sound
from services.ivr.recogniser import WebsocketRecogniser, _Nonsense
from tests.component.ivr.queue_at_hand import Ear


@dataclass
class RandomFaxes:
    """The port Faxes (ports.Faxes): the paper is written as it would be sent, and then goes well or does not."""

    clock: Clock
    dice: random.Random
    ear: Ear

    def order(self, session: Session, wanted: SendFax) -> None:
        assert wanted.number

    async def send(self, session: Session, line: Line, wanted: SendFax) -> Faxed:
        paper = written(wanted.layout, wanted.known, "zh", "now")
        assert all(len(row) == len(paper.headings) for row in paper.rows)
        if wanted.number and wanted.attempt > 1:
            await self.clock.sleep(wanted.pause_s)
        if not wanted.number:
            # what he hears on his own line are the machines
            self.ear.sound()
        done = await answer_of_a_machine(self.clock, self.dice)
        self.ear.silence()
        is_tried_again = goes_on_after(done.outcome, wanted.attempt, wanted.attempts)
        return replace(done, goes_on=bool(wanted.number) and is_tried_again)


# how a question to the engine goes, and how often
ENGINE = {"clear": 50, "unclear": 20, "strange": 10, "without words": 5, "slow": 4, "lost": 3, "malformed": 3}


@dataclass
class RandomEngine(WebsocketRecogniser):
    """The recogniser of ivr with its limits and its breaker, but for the wire: what an engine answers is decided by ``dice``."""

    dice: random.Random = field(default_factory=random.Random)
    answers: Counter[str] = field(default_factory=Counter)

    async def _ask(self, sound: Sound, language: str, hints: Sequence[str]) -> Heard:
        how = self.dice.choices(list(ENGINE), list(ENGINE.values()))[0]
        self.answers[how] += 1
        await self.clock.sleep(60 if how == "slow" else self.dice.uniform(0.05, 3.5))
        if how == "lost":
            raise ConnectionClosedError(None, None)
        if how == "malformed":
            raise _Nonsense
        if how == "without words":
            return Heard("nothing")
        text = "something else" if how == "strange" else self.dice.choice(hints)
        return Heard("heard", text, self.dice.uniform(0.1, 0.79) if how == "unclear" else self.dice.uniform(0.8, 1))


@dataclass
class RandomUtterances:
    """The port Utterances (ports.Utterances): some say nothing, what others say goes to the engine."""

    engine: RandomEngine
    dice: random.Random

    def is_ready(self) -> bool:
        return self.engine.is_ready()

    @contextmanager
    def file(self) -> Iterator[Path]:
        yield Path("utterance.wav")

    async def recognise(self, path: Path, language: str, hints: Sequence[str]) -> Heard:
        if self.dice.random() < 0.1:
            return Heard("nothing")
        return await self.engine.recognise(Sound(b"", 8000), language, hints)


@dataclass
class RandomSynthesizer:
    """The port of text to speech (synthesis.Synthesizer): a program that is quick, slow, or fails."""

    clock: Clock
    dice: random.Random
    made: Counter[str] = field(default_factory=Counter)

    def fingerprint(self, text: str, language: str) -> str:
        return f"{language}-{text}"

    async def make(self, text: str, language: str, path: Path) -> None:
        how = self.dice.choices(("quick", "slow", "failed"), (80, 10, 10))[0]
        self.made[how] += 1
        await self.clock.sleep(self.dice.uniform(0.01, 1.1) if how != "slow" else 20)
        if how == "failed":
            raise Invalid("speech.not_made", "the text-to-speech program ended with 1")


async def answer_of_a_machine(clock: Clock, dice: random.Random) -> Faxed:
    """How one fax goes, after the time it takes."""
    outcome = dice.choice(("sent", "sent", "no_fax", "busy", "no_answer", "dropped", "failed", "refused", "unknown"))
    await clock.sleep(dice.uniform(1, 60))
    return Faxed(outcome, 1 if outcome == "sent" else 0)
