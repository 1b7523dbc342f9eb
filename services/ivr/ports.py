"""What the session runner needs from outside; switch.py, bankcore.py and queueing.py are the real ones, tests bring fakes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ipcc.clock import Clock
from ipcc.contracts.ivr import IvrPayload
from ipcc.contracts.payload import Payload
from services.ivr.core.actions import (
    AskCallback,
    BankAnswer,
    CallbackAsked,
    CallBank,
    CallService,
    Collect,
    Connect,
    Faxed,
    Heard,
    JoinQueue,
    Keyed,
    Listen,
    Record,
    Recorded,
    SendFax,
    ServiceAnswer,
)
from services.ivr.core.fax_job import FaxJob
from services.ivr.core.session import Moved, Session

END_KEY = "#"
"""Ends what a caller says."""


class LineLost(Exception):
    """The caller's leg is gone: normal, at any moment."""


class Leg(Protocol):
    """One leg on its switch. Every method raises LineLost when the leg is gone and SwitchDown when the node cannot be reached."""

    async def exists(self) -> bool:
        """Whether the leg is on the switch."""

    async def hear(self) -> None:
        """From now on what becomes of the leg is heard; ``answer`` does this too."""

    async def is_joined(self) -> bool:
        """Whether the switch has joined the leg to another, or does so now."""

    async def hang_up(self, cause: str) -> None:
        """End the leg."""

    async def forget(self) -> None:
        """Hear nothing more of the leg; for a session that is over. Never raises."""


@dataclass(frozen=True)
class TakenDown:
    """The ``key`` that ended it, if one did; ``is_recorded``: there is a file with what he said until then."""

    key: str = ""
    is_recorded: bool = True


class Line(Leg, Protocol):
    """One caller's leg and what is said and asked on it; raises as Leg does."""

    async def answer(self) -> None:
        """Connect it, if it is not."""

    async def interrupt(self) -> None:
        """Stop whatever is played."""

    async def cut_short(self) -> None:
        """Stop whatever is played or asked: a question for keys goes on without its prompt when that is interrupted."""

    async def play(self, prompt_ids: tuple[str, ...], language: str) -> str:
        """Say the prompts; returns when they were said, or with the key that cut them short."""

    async def collect(self, prompt_ids: tuple[str, ...], language: str, wanted: Collect) -> Keyed:
        """Say the prompts and take digits. A secret is wiped from the switch before this returns."""

    async def connect(self, wanted: Connect) -> str:
        """Ring a phone or number and let them talk; how it ended: talked, busy, no_answer or failed."""

    async def rejoin(self) -> str:
        """Wait for the end of a ``connect`` begun earlier, by whomever; how it ended, or "" when none is going on."""

    async def record(self, prompt_ids: tuple[str, ...], language: str, wanted: Record) -> Recorded:
        """Say the prompts and record; returns when it is over, also when the caller has hung up while he spoke."""

    async def take_down(self, prompt_ids: tuple[str, ...], language: str, wanted: Listen, path: str) -> TakenDown:
        """Say the prompts, then write what the caller says to the file ``path`` of the switch; returns at its end."""

    async def fax(self, path: str) -> Faxed:
        """Send the TIFF file ``path`` of the switch to the machine at the caller's end; returns when that is over, also when he
        has hung up meanwhile: a machine does so as soon as it has everything."""

    async def start_music(self, music: str) -> None:
        """Music without end, until interrupted or bridged; no key stops it; returns at once."""

    async def play_until_key(self, music: str, keys: str) -> str:
        """Music without end, until one of ``keys`` is pressed; which one, or "" when it was interrupted or bridged."""

    async def wipe(self) -> None:
        """Remove what was keyed from the switch, where a replica that died may have left it, or nobody has asked for it."""

    async def push_safety_net(self) -> None:
        """Tell the switch that somebody still looks after this caller."""

    async def fall_back(self) -> None:
        """Give the caller to the safety net now: we cannot serve him."""


class Lines(Protocol):
    """Legs by node and uuid."""

    def line(self, node_id: str, leg_id: str) -> Line:
        """The leg; raises NotFound when the node is unknown."""


class Bank(Protocol):
    """The bank's core systems."""

    async def ask(self, operation: str, inputs: Mapping[str, str], key: str) -> BankAnswer:
        """Do ``operation``; ``key`` makes a repeated movement one movement. Never raises for a bank that is down: says so."""

    async def settle(self, operation: str, key: str) -> BankAnswer:
        """What became of a movement that may have been asked for by ``key``: as its own answer; unavailable when it was not carried
        out, and never will be; unknown when the bank does not say. Never raises."""


class Systems(Protocol):
    """Other systems of the bank that flows may ask, by the names in the settings."""

    async def ask(self, wanted: CallService) -> ServiceAnswer:
        """Ask one. Never raises for one that is down, slow or talks nonsense: says so."""


class Faxes(Protocol):
    """The way to fax machines."""

    def order(self, session: Session, wanted: SendFax) -> None:
        """Begin to send it to its number: from now on it is sent whatever becomes of the caller. Repeated it changes nothing."""

    async def send(self, session: Session, line: Line, wanted: SendFax) -> Faxed:
        """Draw the paper and send it on the caller's line; or, to a number, wait for the try of that ``attempt``. Nothing is left
        behind when it is over. Never raises for a machine, a number or a switch that fails: says so."""


class FaxWork(Faxes, Protocol):
    """Faxes that outlive their callers, by the partition of these."""

    def take_over(self, jobs: Iterable[FaxJob]) -> None:
        """Go on with what another replica has begun."""

    def let_go(self, partition: int) -> None:
        """Another replica goes on with these: stop, and leave everything as it is."""


@dataclass(frozen=True)
class Sound:
    """What a caller said: signed 16-bit samples, little-endian, of one channel; ``rate`` of them a second."""

    samples: bytes = field(repr=False)
    rate: int


class Recogniser(Protocol):
    """An engine that makes text of speech."""

    def is_ready(self) -> bool:
        """Whether it is worth asking now; where it is not, nobody is made to speak."""

    async def recognise(self, sound: Sound, language: str, hints: Sequence[str]) -> Heard:
        """The text of ``sound``; ``hints`` are phrases that may come. Never raises for an engine that is down, slow or talks
        nonsense: says so."""


class Utterances(Protocol):
    """What callers say, from the file the switch writes to its text."""

    def is_ready(self) -> bool:
        """Whether there is a recogniser that can be asked now."""

    def file(self) -> AbstractContextManager[Path]:
        """A place of the spool for one utterance; what the switch has left there is gone after this, whatever happened."""

    async def recognise(self, path: Path, language: str, hints: Sequence[str]) -> Heard:
        """What was said in that file. Never raises for a file or a recogniser that is no good: says so."""


class Queues(Protocol):
    """The way to acd."""

    def stay(self, entry_id: str, hear: Callable[[Payload], None]) -> AbstractContextManager[None]:
        """Have ``hear`` called with the news about one entry, from now on: open it before ``join``."""

    async def join(self, session: Session, wanted: JoinQueue) -> Mapping[str, object]:
        """Ask acd to queue the caller; repeated with the same entry it gives the same place. Raises Refused, BusDown."""

    async def call_back(self, session: Session, wanted: AskCallback) -> CallbackAsked:
        """Ask acd to call the caller back. Never raises for an acd that refuses or is away: says so."""

    async def leave(self, entry_id: str, queue_id: str) -> None:
        """Take the entry out of its queue: the caller goes elsewhere. Never raises: acd may not be reached, he goes all the same."""

    async def was_answered(self, entry_id: str, since: datetime) -> bool:
        """Whether an agent has taken the entry, made after ``since``. Raises Unavailable."""


Tell = Callable[[tuple[IvrPayload, ...]], None]


def facts_of(moved: Moved) -> tuple[IvrPayload, ...]:
    """The facts as they are."""
    return moved.facts


@dataclass
class Surroundings:
    """What the runner of a session works with."""

    line: Line
    bank: Bank
    queues: Queues
    systems: Systems
    faxes: Faxes
    utterances: Utterances
    clock: Clock
    tell: Tell
    sealed: Callable[[Moved], tuple[IvrPayload, ...]] = facts_of
    """The facts of a move as they may be told: what is for the agent alone is sealed."""

    def answer_of(self, action: CallBank, key: str) -> Coroutine[Any, Any, BankAnswer]:
        """What the bank says to ``action``, whose order has this ``key``."""
        is_settled, operation = action.is_settled, action.operation
        return self.bank.settle(operation, key) if is_settled else self.bank.ask(operation, action.inputs, key)


@dataclass(frozen=True)
class Standing:
    """He stands in the queue; ``is_offered``: an agent's phone rings for him already."""

    is_offered: bool
