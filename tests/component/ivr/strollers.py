"""Callers who walk at random through the published flows, with a bank that goes wrong at random: in virtual time, from a seed.

Everything is real but the switch and the wire: the runner, the pure flows, the bank client with its repetitions and settling, and
the bank's books. `Stroll.walk` serves one caller; `judge` says what must hold of all of them together.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bankcore.core.cards import CardFile
from bankcore.demo import DemoCustomer, demo_customers, fill
from bankcore.usecases import Bank
from ipcc.clock import Clock
from ipcc.contracts.ivr import BankOperationDone, FlowReturned, IvrPayload, NodeEntered, NodeLeft, SessionEnded
from ipcc.ids import new_id
from ipcc.metrics import Metrics
from services.ivr.bankcore import BankCore, BankSettings
from services.ivr.core.actions import (
    Collect,
    Connect,
    Faxed,
    Keyed,
    KeyedKind,
    Listen,
    Record,
    Recorded,
)
from services.ivr.core.flow import Flow
from services.ivr.core.nodes.callback import CallbackNode
from services.ivr.core.nodes.collect import CollectNode
from services.ivr.core.nodes.consent import ConsentNode
from services.ivr.core.nodes.menu import MenuNode
from services.ivr.core.nodes.queue import QueueNode
from services.ivr.core.nodes.survey import SurveyNode
from services.ivr.core.operations import OPERATIONS, Kind
from services.ivr.core.session import Session, begin
from services.ivr.ports import LineLost, Surroundings, TakenDown
from services.ivr.runner import Runner
from services.ivr.synthesis import Speaker
from tests.component.ivr.bank_at_hand import BankAtHand, NotedBank
from tests.component.ivr.machines import (
    RandomEngine,
    RandomFaxes,
    RandomSynthesizer,
    RandomUtterances,
    answer_of_a_machine,
)
from tests.component.ivr.orders_at_random import ordered
from tests.component.ivr.queue_at_hand import Ear, NoSystems, RandomQueues

PROMPT_S = 0.4
SOURCE = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
STATED = {"completed", "hung_up", "answered_by_agent", "transferred"}
# a menu is left by a key that leads somewhere, most of the time
SENSIBLE = 0.93
# nobody walks for ever
PATIENCE = 80


@dataclass
class Stroller:
    """A caller on his line (ports.Line): what he keys, and when he has had enough."""

    clock: Clock
    dice: random.Random
    customer: DemoCustomer
    flow: Flow
    ear: Ear
    speaker: Speaker
    runner: Runner | None = None
    is_gone: bool = False
    keyed: int = 0
    spoken: int = 0
    asked_back: int = 0
    fate: str = ""

    async def exists(self) -> bool:
        return not self.is_gone

    async def hear(self) -> None:
        self._check()

    async def answer(self) -> None:
        self._check()
        self.ear.silence()

    async def interrupt(self) -> None:
        self._check()
        self.ear.music(is_on=False)

    cut_short = interrupt
    wipe = hear

    async def play(self, prompt_ids: tuple[str, ...], language: str) -> str:
        await self._hear_all(prompt_ids, language)
        return ""

    async def collect(self, prompt_ids: tuple[str, ...], language: str, wanted: Collect) -> Keyed:
        self.keyed += 1
        # keys are taken while it is said
        await self._hear_all(prompt_ids, language, is_cut_short=True)
        digits = self._choose()
        # his turn: this is not silence
        self.ear.sound()
        await self._pass(wanted.first_digit_s if not digits else self.dice.uniform(0.3, wanted.first_digit_s))
        self.ear.silence()
        digits = digits[: wanted.max_digits]
        return Keyed(KeyedKind.DIGITS if digits else KeyedKind.NOTHING, digits)

    async def connect(self, wanted: Connect) -> str:
        self.ear.sound()
        await self._pass(self.dice.uniform(1, wanted.ring_s))
        return self.dice.choice(("talked", "busy", "no_answer", "failed"))

    async def fax(self, path: str) -> Faxed:
        return await answer_of_a_machine(self.clock, self.dice)

    async def is_joined(self) -> bool:
        self._check()
        return False

    async def rejoin(self) -> str:
        return ""

    async def record(self, prompt_ids: tuple[str, ...], language: str, wanted: Record) -> Recorded:
        await self._hear_all(prompt_ids, language)
        self.ear.sound()
        await self._pass(3)
        self.ear.silence()
        return Recorded(wanted.name, self.dice.choice((0, 5, 30)))

    async def take_down(self, prompt_ids: tuple[str, ...], language: str, wanted: Listen, path: str) -> TakenDown:
        """Most speak; some press a key, a few of these into the prompt."""
        assert self.runner is not None
        self.spoken += 1
        self.asked_back += bool(self.runner.session.phase)
        key = self.dice.choice("0123456789*#") if self.spoken > PATIENCE or self.dice.random() < 0.2 else ""
        is_early = bool(key) and self.dice.random() < 0.5
        await self._hear_all(prompt_ids, language, is_cut_short=is_early)
        if is_early:
            return TakenDown(key, is_recorded=False)
        # his turn: this is not silence
        self.ear.sound()
        await self._pass(self.dice.uniform(1, wanted.longest_s))
        self.ear.silence()
        return TakenDown(key)

    async def start_music(self, music: str) -> None:
        self._check()
        self.ear.music(is_on=True)

    async def play_until_key(self, music: str, keys: str) -> str:
        """One in three presses a key that means something while he waits; the others hear it until something else comes."""
        self._check()
        self.ear.music(is_on=True)
        await self._pass(self.dice.uniform(0, 30) if self.dice.random() < 0.3 else 10_000)
        self.ear.music(is_on=False)
        return self.dice.choice(keys)

    async def hang_up(self, cause: str) -> None:
        self._check()
        self.is_gone = True

    async def push_safety_net(self) -> None:
        self._check()

    async def fall_back(self) -> None:
        self.fate = "safety net"

    async def forget(self) -> None:
        """Nothing to forget."""

    def _check(self) -> None:
        if self.is_gone:
            raise LineLost

    async def _hear_all(self, prompt_ids: tuple[str, ...], language: str, *, is_cut_short: bool = False) -> None:
        """Texts are made first, as on the switch: that is silence."""
        self._check()
        async with self.speaker.voiced(prompt_ids, language) as sounds:
            if not sounds:
                return
            self.ear.sound()
            await self._pass((self.dice.randint(1, len(sounds)) if is_cut_short else len(sounds)) * PROMPT_S)
            self.ear.silence()

    async def _pass(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._check()

    def _choose(self) -> str:
        """What he keys at the node where he stands; nothing is silence."""
        assert self.runner is not None
        session = self.runner.session
        node = self.flow.nodes[session.at]
        if self.keyed > PATIENCE or self.dice.random() > SENSIBLE:
            return self.dice.choice(("", "", "*", "#", "0", "99", "7", str(self.dice.randrange(10**9))))
        if isinstance(node, MenuNode):
            return self.dice.choice(list(node.choices))
        if isinstance(node, CollectNode):
            return self._number(node)
        if isinstance(node, CallbackNode | QueueNode):
            return self.dice.choice("12") if session.phase == "where" else "60000001"
        if isinstance(node, SurveyNode | ConsentNode):
            return self.dice.choice("112")
        return self.customer.card_no if session.phase == "number" else self.customer.pin

    def _number(self, node: CollectNode) -> str:
        name = node.variable
        if name.endswith("pin") or name.startswith("new_pin"):
            return self.customer.pin
        if name in ("card_no", "passbook_no"):
            return self.customer.card_no
        if name in ("to_account", "target_no"):
            return self.dice.choice([one.card_no for one in demo_customers()])
        known = {"subscriber": "60000001", "merchant": "100200", "number": f"{100001 + self.dice.randrange(40)}"}
        known |= {"keyed_rate": self.dice.choice(("7*1", "0*14", "1")), "keyed_stop": "6*9"}
        known |= {"issue": "260136", "month": "202601", "order_cvv": self.customer.cvv or "123"}
        if name in known:
            return known[name]
        if r"\d{1,9}" in node.pattern:
            return self.dice.choice(("100", "55*50", "1000", "5000", "20000", "99999999"))
        if node.pattern.endswith("00"):
            return self.dice.choice(("100", "500", "99900"))
        if "|" in node.pattern and node.pattern.replace("|", "").isdecimal():
            return self.dice.choice(node.pattern.split("|"))
        return str(self.dice.randrange(10 ** (node.min_digits - 1), 10**node.min_digits))


@dataclass
class Walked:
    """What came of one caller."""

    flow: str
    outcome: str
    path: tuple[str, ...]
    longest_silence_s: float
    facts: list[IvrPayload]
    caller: Stroller


@dataclass
class Stroll:
    """The bench of all callers: one bank, one clock, one seed."""

    flows: list[Flow]
    clock: Clock
    dice: random.Random

    def __post_init__(self) -> None:
        self.bank = Bank()
        fill(self.bank, self.clock.now())
        self.at_hand = BankAtHand(self.bank, self.clock, self.dice)
        core = BankCore(BankSettings("http://bank", failures=50, pause_s=5), self.clock, Metrics("ivr"))
        core._client = httpx.AsyncClient(transport=self.at_hand, base_url="http://bank")
        self.noted = NotedBank(core)
        self.engine = RandomEngine("ws://engine", 4.0, self.clock, Metrics("ivr"), dice=self.dice)
        self.voice = RandomSynthesizer(self.clock, self.dice)
        self._free = [one for one in demo_customers() if one.status == "active"]

    async def walk_all(self, callers: int, at_once: int = 40) -> list[Walked]:
        """So many callers, evenly over the flows."""
        gate = asyncio.Semaphore(at_once)

        async def one(number: int) -> Walked:
            async with gate:
                return await self.walk(self.flows[number % len(self.flows)])

        return list(await asyncio.gather(*(one(number) for number in range(callers))))

    async def walk(self, flow: Flow) -> Walked:
        """One caller from the greeting to his end, whatever that is."""
        customer = self.dice.choice(self._free)
        self._mend(self.bank.cards, customer)
        ear = Ear(self.clock)
        caller = Stroller(self.clock, self.dice, customer, flow, ear, Speaker(self.voice, (), Path("no-spool")))
        facts: list[IvrPayload] = []
        moved = begin(flow, self._session(flow, customer), self.clock.now())
        facts += moved.facts
        around = Surroundings(
            caller,
            self.noted,
            RandomQueues(self.clock, self.dice, ear),
            NoSystems(),
            RandomFaxes(self.clock, self.dice, ear),
            RandomUtterances(self.engine, self.dice),
            self.clock,
            facts.extend,
        )
        caller.runner = runner = Runner(flow, moved, around)
        leaving = asyncio.get_running_loop().create_task(self._leave(caller))
        try:
            await runner.run()
        finally:
            leaving.cancel()
        return Walked(flow.id, runner.session.outcome, runner.session.path, ear.longest_s, facts, caller)

    async def _leave(self, caller: Stroller) -> None:
        """One in five hangs up somewhere on the way."""
        if self.dice.random() < 0.2:
            await self.clock.sleep(self.dice.uniform(0, 120))
            caller.is_gone = True
            assert caller.runner is not None
            caller.runner.leave()

    def _session(self, flow: Flow, customer: DemoCustomer) -> Session:
        ids = (new_id(), new_id(), "leg", "fs1", "95500", "13800000001", "")
        known = {"customer_id": customer.id, "card_tail": customer.card_no[-4:], "access": customer.access}
        known |= {"segment": customer.segment, "contracted": "yes" if customer.is_contracted else "no"}
        secrets = {"card_no": customer.card_no} if flow.is_part else {}
        return Session(
            *ids,
            self.dice.choice(("zh", "en")),
            self.clock.now(),
            lent_to=flow.id if flow.is_part else "",
            variables=known if flow.is_part else {},
            secrets=secrets,
            **ordered(flow, self.dice),
        )

    @staticmethod
    def _mend(cards: CardFile, customer: DemoCustomer) -> None:
        """What earlier callers did to the card must not keep this one from walking on."""
        cards.unlock(customer.card_no)
        cards.add(replace(cards.find(customer.card_no), status="active"))


def judge(stroll: Stroll, walked: list[Walked]) -> dict[str, Any]:
    """What must hold of all of them; raises AssertionError. The figures to be printed."""
    for one in walked:
        assert one.outcome in STATED, (one.flow, one.outcome, one.path[-5:])
        assert one.longest_silence_s <= 3.0, (one.flow, one.longest_silence_s, one.path[-5:])
        ended = [fact for fact in one.facts if isinstance(fact, SessionEnded)]
        assert len(ended) == 1
        assert len([f for f in one.facts if isinstance(f, FlowReturned)]) <= 1
        # every node entered is left once, and the way is whole
        came = [(f.visit, f.flow_node) for f in one.facts if isinstance(f, NodeEntered)]
        left = [(f.visit, f.flow_node) for f in one.facts if isinstance(f, NodeLeft)]
        assert came == left == list(enumerate(one.path, start=1)), (one.flow, one.path[-5:])
    bank = stroll.bank
    assert bank.ledger.is_balanced()
    told = Counter(
        (fact.operation, fact.outcome)
        for one in walked
        for fact in one.facts
        if isinstance(fact, BankOperationDone) and OPERATIONS[fact.operation].kind is Kind.MOVEMENT
    )
    # every order was answered once, and what was answered was told
    answered = stroll.noted.answers
    assert None not in [answer for _, answer in stroll.noted.asked.values()]
    assert told == answered
    # what the customer was told is what the books hold
    for key, (operation, answer) in stroll.noted.asked.items():
        assert answer is not None
        is_booked = key in bank.movements
        assert answer.outcome == "unknown" or is_booked == (answer.outcome == "ok"), (operation, answer.outcome)
    assert set(bank.movements) <= set(stroll.noted.asked)
    # nothing stands in the books twice, and nothing that nobody ordered
    booked = [movement.done.booking_id for movement in bank.movements.values()]
    assert len(booked) == len(set(booked))
    entered = {entry.booking_id for entry in bank.ledger.entries if not entry.booking_id.startswith("demo")}
    assert entered <= set(booked), sorted(entered - set(booked))[:5]
    return _figures(stroll, walked, answered)


def _figures(stroll: Stroll, walked: list[Walked], answered: Counter[tuple[str, str]]) -> dict[str, Any]:
    return {
        "callers": len(walked),
        "outcomes": dict(Counter(one.outcome for one in walked)),
        "nodes entered": sum(len(one.path) for one in walked),
        "kinds of node": sorted({f.kind for one in walked for f in one.facts if isinstance(f, NodeEntered)}),
        "called back": sum(
            f.outcome in ("callback", "taken") for one in walked for f in one.facts if isinstance(f, NodeLeft)
        ),
        "longest silence s": round(max(one.longest_silence_s for one in walked), 2),
        "questions to the bank": sum(stroll.at_hand.wrongs.values()),
        "of these wrong": {name: count for name, count in stroll.at_hand.wrongs.items() if name},
        "movements": dict(Counter(outcome for _, outcome in answered.elements())),
        "spoken": spoken_ends(walked),
        "asked back": sum(one.caller.asked_back for one in walked),
        "asked the engine": dict(stroll.engine.answers),
        "texts": dict(stroll.voice.made),
        "kinds of movement booked": len({movement.order[0] for movement in stroll.bank.movements.values()}),
    }


def spoken_ends(walked: list[Walked]) -> dict[str, int]:
    """How often a node that listens was left in which way: one of its choices said or keyed counts as one way."""
    left = (f for one in walked for f in one.facts if isinstance(f, NodeLeft) and f.kind == "recognise")
    ways = (fact.outcome.split(" ")[0] if fact.outcome.startswith(("said ", "key ")) else fact.outcome for fact in left)
    return dict(Counter(ways))
