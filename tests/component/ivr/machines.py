"""Fax machines of callers that walk at random: some receive, some do not."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ipcc.clock import Clock
from services.ivr.core.actions import Faxed, SendFax
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

    async def send(self, session: Session, line: Line, wanted: SendFax) -> Faxed:
        paper = written(wanted.layout, wanted.known, "zh", "now")
        assert all(len(row) == len(paper.headings) for row in paper.rows)
        await self.clock.sleep(wanted.pause_s)
        if not wanted.number:
            # what he hears on his own line are the machines
            self.ear.sound()
        done = await answer_of_a_machine(self.clock, self.dice)
        self.ear.silence()
        return done


async def answer_of_a_machine(clock: Clock, dice: random.Random) -> Faxed:
    """How one fax goes, after the time it takes."""
    outcome = dice.choice(("sent", "sent", "no_fax", "busy", "no_answer", "dropped", "failed", "refused", "unknown"))
    await clock.sleep(dice.uniform(1, 60))
    return Faxed(outcome, 1 if outcome == "sent" else 0)
