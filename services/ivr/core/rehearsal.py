"""A flow's own test cases, walked without a switch: what the caller keys and the bank answers, and what must come of it. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ipcc.contracts.ivr import NodeEntered
from ipcc.errors import Invalid
from services.ivr.core.actions import (
    Action,
    AskCallback,
    BankAnswer,
    CallbackAsked,
    CallBank,
    CallerGone,
    CallService,
    Collect,
    Connect,
    Connected,
    Failed,
    Faxed,
    Heard,
    Input,
    JoinQueue,
    Keyed,
    KeyedKind,
    Listen,
    Play,
    Played,
    QueueKeyed,
    QueueLeft,
    Record,
    Recorded,
    SendFax,
    ServiceAnswer,
)
from services.ivr.core.fax_job import goes_on_after
from services.ivr.core.flow import Flow
from services.ivr.core.session import Moved, Session, advance, begin
from services.ivr.core.speech import Spoken, prompts
from services.ivr.core.steps import Language

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
# a flow that asks so often for input that never comes has no end
MOST_STEPS = 500
# what an operation answers when a case does not say: only what a flow stores is looked at
SAMPLES: Mapping[str, str] = {
    "customer_id": "c1001", "card_tail": "0017", "segment": "retail", "access": "card", "contracted": "yes",
    "verified": "yes", "balance": "1000.00", "currency": "CNY", "amount": "100.00", "reference": "100001", "points": "1280",
    "value": "1.45", "count": "1", "first": "100001", "dated": "2026-03-01 -12.00", "numbered": "100001 500.00",
    "held": "140.20 USD", "amounts": "1000.00;2000.00", "booking_id": "b-1", "message_id": "m-1", "number_tail": "1001",
    "stated": "2026-03-01 100001 -12.00 CNY", "ordered": "yes", "repeated": "no", "day": "2026-03-02", "is_today": "yes",
    "is_open": "yes", "opens": "09:00", "closes": "15:30", "limit": "50000.00", "left": "49000.00", "interest": "3.00",
    "cost": "0.00", "paid": "103.00", "is_early": "no", "rate": "7.1012", "gives": "100.00", "brings": "710.12",
    "bid": "7.1012", "ask": "7.1298",
    "first_amount": "1000.00", "second_amount": "2000.00", "orders": "100001 10.00:USD CNY 7.5 -",
    "issued": "260136 36 2.38 2026-05-01", "due": "100001 500.00 2027-03-01",
    "text": "人民路一号",
}  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(_Part):
    """What the bank says to one asking."""

    outcome: str = "ok"
    code: str = ""
    values: dict[str, str] = Field(default_factory=dict)


class Said(_Part):
    """What he says where he is listened to, and how sure the recogniser is of it; no text is silence. With ``key`` he presses one."""

    text: str = Field(default="", max_length=500)
    confidence: float = Field(default=0.9, ge=0, le=1)
    key: str = Field(default="", pattern=r"^[0-9*]?$")


class Case(_Part):
    """One call. ``keys`` are pressed one entry for each asking, an empty one is silence; when they are used up he is silent, or
    ``hangs_up``; ``says`` is the same for nodes that listen, ``recogniser`` whether one is there (not told: where he says
    something). ``queue_keys`` are pressed while he waits, one each time he stands in a queue; ``callback``: what acd says to one.
    ``bank``: answers by operation, in order; what is not listed is answered well; so are ``faxes``. ``path``: the nodes in order,
    or with ``...`` between parts of it; ``heard``: prompts that must sound in this order, among others.
    """

    name: str
    language: Language = "zh"
    at: datetime = NOW
    known: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    keys: tuple[str, ...] = ()
    hangs_up: bool = False
    says: tuple[Said, ...] = ()
    recogniser: Literal["here", "away", ""] = ""
    bank: dict[str, tuple[Answer, ...]] = Field(default_factory=dict)
    queue: str = "answered"
    queue_keys: tuple[str, ...] = ()
    caller_number: str = "13800000001"
    callback: str = "taken"
    connect: str = "talked"
    records_s: int = 5
    faxes: tuple[str, ...] = ()
    services: dict[str, Answer] = Field(default_factory=dict)
    path: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    asked: tuple[str, ...] | None = None
    result: str


class Cases(_Part):
    """The cases of one flow (``flows/tests/<flow>.json``)."""

    flow: str
    cases: tuple[Case, ...] = Field(min_length=1)


@dataclass
class Rehearsed:
    """What came of one case; ``problems`` is empty when it was what the case says."""

    case: Case
    path: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    result: str = ""
    problems: list[str] = field(default_factory=list)


def rehearse(flow: Flow, case: Case) -> Rehearsed:
    """Walk one case to its end."""
    done = Rehearsed(case)
    caller = _Caller(case)
    moved = begin(flow, _session(case), case.at)
    for _ in range(MOST_STEPS):
        done.path += [fact.flow_node for fact in moved.facts if isinstance(fact, NodeEntered)]
        if moved.action is None:
            done.result = moved.session.outcome
            break
        moved = advance(flow, moved.session, _given(moved, moved.action, caller, done), case.at)
    else:
        done.result = "endless"
    done.problems = list(_differences(case, done))
    return done


@dataclass
class _Caller:
    case: Case

    def __post_init__(self) -> None:
        self.keys = deque(self.case.keys)
        self.says = deque(self.case.says)
        self.queue_keys = deque(self.case.queue_keys)
        self.faxes = deque(self.case.faxes)
        self.answers: dict[str, deque[Answer]] = defaultdict(deque)
        for operation, answers in self.case.bank.items():
            self.answers[operation] = deque(answers)

        self.is_understood = self.case.recogniser == "here" or (not self.case.recogniser and bool(self.case.says))

    def keyed(self) -> Input:
        if not self.keys:
            return CallerGone() if self.case.hangs_up else Keyed(KeyedKind.NOTHING)
        pressed = self.keys.popleft()
        return Keyed(KeyedKind.DIGITS if pressed else KeyedKind.NOTHING, pressed)

    def spoke(self) -> Input:
        if not self.says:
            return CallerGone() if self.case.hangs_up else Heard("nothing")
        said = self.says.popleft()
        if said.key:
            return Keyed(KeyedKind.DIGITS, said.key)
        return Heard("heard", said.text, said.confidence) if said.text else Heard("nothing")

    def waited(self, action: JoinQueue) -> Input:
        if self.queue_keys and self.queue_keys[0] in action.keys:
            return QueueKeyed(self.queue_keys.popleft())
        return CallerGone() if self.case.queue == "hang_up" else QueueLeft(self.case.queue)

    def answered(self, operation: str) -> Input:
        waiting = self.answers[operation]
        said = waiting.popleft() if waiting else Answer()
        if said.outcome == "ok":
            return BankAnswer("ok", values={**SAMPLES, **said.values})
        return BankAnswer(said.outcome, said.code)


def _session(case: Case) -> Session:
    ids = ("s", "c", "c", "fs1", "95500", case.caller_number, "")
    return Session(*ids, case.language, case.at, variables=case.known, secrets=case.secrets)


def _given(moved: Moved, action: Action, caller: _Caller, done: Rehearsed) -> Input:
    if isinstance(action, Listen) and not caller.is_understood:
        return Heard("unavailable")
    if isinstance(action, Play | Collect | Record | Listen | SendFax):
        return _spoken(moved, action, caller, done)
    if isinstance(action, CallBank):
        done.asked.append(action.operation)
        return caller.answered(action.operation)
    if isinstance(action, CallService):
        said = caller.case.services.get(action.service, Answer())
        return ServiceAnswer(said.outcome, said.values)
    if isinstance(action, JoinQueue):
        done.heard += _said(action.first, moved.session)
        return caller.waited(action)
    if isinstance(action, AskCallback):
        return CallbackAsked(caller.case.callback)
    if isinstance(action, Connect):
        return Connected(caller.case.connect)
    return Played()


def _spoken(
    moved: Moved, action: Play | Collect | Record | Listen | SendFax, caller: _Caller, done: Rehearsed
) -> Input:
    try:
        done.heard += _said(action.prompts, moved.session)
    except Invalid as error:
        return Failed(error.code)
    if isinstance(action, Collect):
        return caller.keyed()
    if isinstance(action, Listen):
        return caller.spoke()
    if isinstance(action, Record):
        return Recorded(f"messages/{action.name}.wav", caller.case.records_s)
    if isinstance(action, SendFax):
        return _faxed(action, caller.faxes.popleft() if caller.faxes else "sent")
    return Played()


def _faxed(action: SendFax, outcome: str) -> Faxed:
    goes_on = bool(action.number) and goes_on_after(outcome, action.attempt, action.attempts)
    return Faxed(outcome, int(outcome == "sent"), goes_on=goes_on)


def _said(spoken: tuple[Spoken, ...], session: Session) -> tuple[str, ...]:
    return prompts(spoken, session.speakable(), session.language)


def _differences(case: Case, done: Rehearsed) -> list[str]:
    found = []
    if case.result != done.result:
        found.append(f"result is {done.result}, not {case.result}")
    if case.path and not _follows(case.path, done.path):
        found.append(f"path is {' > '.join(done.path)}")
    missing = _missing(case.heard, done.heard)
    if missing:
        found.append(f"did not hear {missing} in its turn; heard {' '.join(done.heard)}")
    if case.asked is not None and list(case.asked) != done.asked:
        found.append(f"asked the bank {', '.join(done.asked) or 'nothing'}")
    return found


def _follows(expected: tuple[str, ...], walked: list[str]) -> bool:
    """Whether the path is the expected one; ``...`` stands for any nodes."""
    if "..." not in expected:
        return list(expected) == walked
    at = 0
    parts = " ".join(expected).split("...")
    for number, part in enumerate(parts):
        names = part.split()
        found = next((i for i in range(at, len(walked) - len(names) + 1) if walked[i : i + len(names)] == names), None)
        if found is None or (number == 0 and found != 0):
            return False
        at = found + len(names)
    return not parts[-1].split() or walked[-len(parts[-1].split()) :] == parts[-1].split()


def _missing(expected: tuple[str, ...], heard: list[str]) -> str:
    """The first expected prompt that does not come behind those before it."""
    rest = iter(heard)
    return next((prompt for prompt in expected if prompt not in rest), "")
