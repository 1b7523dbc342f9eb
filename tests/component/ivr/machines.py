"""Machines that callers meet who walk at random: some receive faxes and some do not, one understands what is said, or not."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ipcc.clock import Clock
from services.ivr.core.actions import Faxed, Heard, SendFax
from services.ivr.core.fax_job import goes_on_after
from services.ivr.core.session import Session
from services.ivr.core.statement import written
from services.ivr.ports import Line
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


@dataclass
class RandomUtterances:
    """The port Utterances (ports.Utterances): an engine that is away, slow, unsure, or hears one of the phrases."""

    clock: Clock
    dice: random.Random

    def is_ready(self) -> bool:
        return self.dice.random() < 0.9

    @contextmanager
    def file(self) -> Iterator[Path]:
        yield Path("utterance.wav")

    async def recognise(self, path: Path, language: str, hints: Sequence[str]) -> Heard:
        await self.clock.sleep(self.dice.uniform(0.1, 4))
        outcome = self.dice.choice(("heard", "heard", "heard", "nothing", "unavailable"))
        text = self.dice.choice((*hints, "", "something else"))
        return Heard(outcome, text if outcome == "heard" else "", self.dice.random())


async def answer_of_a_machine(clock: Clock, dice: random.Random) -> Faxed:
    """How one fax goes, after the time it takes."""
    outcome = dice.choice(("sent", "sent", "no_fax", "busy", "no_answer", "dropped", "failed", "refused", "unknown"))
    await clock.sleep(dice.uniform(1, 60))
    return Faxed(outcome, 1 if outcome == "sent" else 0)
