"""Callers who key what they came for, through the published main flow, with the stand-in bank behind it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from services.ivr.core.actions import Collect, Heard, Keyed, KeyedKind
from services.ivr.core.session import begin
from services.ivr.ports import Surroundings
from services.ivr.rehearsing import open_folder
from services.ivr.runner import Runner
from services.ivr.synthesis import Speaker
from tests.component.ivr.machines import RandomFaxes
from tests.component.ivr.queue_at_hand import Ear, NoSystems, RandomQueues
from tests.component.ivr.strollers import Stroll, Stroller
from tests.support.fake_parts import LoopClock

CARD, PIN, PASSBOOK = "6222000000000017", "246810", "70010001"
RICH, RICH_PIN = "6222000000000033", "864209"
SECOND, PUBLIC, PUBLIC_PIN = "6222000000000025", "6222000000000041", "975310"
COMPANY, COMPANY_PIN, CONTRACT = "9001000001", "220022", "80010001"
ME, RICH_MAN = (CARD, PIN), (RICH, RICH_PIN)
OVER = ("#",)


@dataclass
class Walker(Stroller):
    """A caller who keys what he came for, one entry each time he is asked, and notes what he hears."""

    wanted: deque[str] = field(default_factory=deque)
    heard: list[str] = field(default_factory=list)

    async def play(self, prompt_ids: tuple[str, ...], language: str) -> str:
        self.heard += prompt_ids
        return await super().play(prompt_ids, language)

    async def collect(self, prompt_ids: tuple[str, ...], language: str, wanted: Collect) -> Keyed:
        self.heard += prompt_ids
        await self._hear_all(prompt_ids, language)
        digits = self.wanted.popleft() if self.wanted else ""
        return Keyed(KeyedKind.DIGITS if digits else KeyedKind.NOTHING, digits[: wanted.max_digits])


class Nobody:
    """No recogniser (ports.Utterances): everybody is asked for keys."""

    def is_ready(self) -> bool:
        return False

    @contextmanager
    def file(self) -> Iterator[Path]:
        yield Path("utterance.wav")

    async def recognise(self, path: Path, language: str, hints: Sequence[str]) -> Heard:
        raise AssertionError("nobody listens here")


@dataclass
class Hall:
    """The bank, and callers who come one after the other."""

    stroll: Stroll

    def __post_init__(self) -> None:
        self.bank = self.stroll.bank
        self.stroll.at_hand.is_well = True
        self.flow = next(flow for flow in self.stroll.flows if flow.id == "bank-main")

    async def call(self, *keys: str, language: str = "1") -> list[str]:
        """The prompts somebody hears who keys this."""
        clock, dice = self.stroll.clock, self.stroll.dice
        customer = self.stroll._free[0]
        ear = Ear(clock)
        speaker = Speaker(self.stroll.voice, (), Path("no-spool"))
        caller = Walker(clock, dice, customer, self.flow, ear, speaker, wanted=deque([language, *keys]))
        moved = begin(self.flow, self.stroll._session(self.flow, customer), clock.now())
        facts = list(moved.facts)
        around = Surroundings(
            caller,
            self.stroll.noted,
            RandomQueues(clock, dice, ear),
            NoSystems(),
            RandomFaxes(clock, dice, ear),
            Nobody(),
            clock,
            facts.extend,
        )
        caller.runner = runner = Runner(self.flow, moved, around)
        await runner.run()
        assert self.bank.ledger.is_balanced()
        assert ear.longest_s <= 3.0
        assert not caller.wanted, f"never keyed: {list(caller.wanted)}; heard {caller.heard[-20:]}"
        return caller.heard

    def balance(self, number: str = CARD) -> int:
        return self.bank.balance(number)[2]

    def booked(self) -> list[str]:
        return [movement.order[0] for movement in self.bank.movements.values()]


def open_hall(now: datetime) -> Hall:
    """The bank at that moment, and its flows."""
    store = open_folder(Path("flows"), Path("freeswitch/sounds/prompts.yaml"))
    return Hall(Stroll(store.all(), LoopClock(now), random.Random(1)))


def follows(heard: list[str], *wanted: str) -> bool:
    """Whether ``wanted`` were heard one after the other, among others."""
    rest = iter(heard)
    return all(prompt in rest for prompt in wanted)
