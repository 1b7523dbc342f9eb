"""One caller walking through one published flow: pure; the shell performs the actions and brings their results back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ipcc.contracts.ivr import (
    BankOperationDone,
    FaxDone,
    FlowReturned,
    IvrPayload,
    MessageLeft,
    NodeEntered,
    NodeLeft,
    SessionEnded,
    SurveyAnswered,
)
from ipcc.errors import Bug, Invalid
from services.ivr.core.actions import (
    Action,
    BankAnswer,
    CallBank,
    CallerGone,
    Collect,
    Failed,
    Faxed,
    Heard,
    Input,
    Keyed,
    KeyedKind,
    Listen,
    Play,
    Record,
    Recorded,
    Stopped,
)
from services.ivr.core.flow import BACK, Flow
from services.ivr.core.nodes.menu import MenuNode
from services.ivr.core.nodes.queue import QueueNode
from services.ivr.core.nodes.recognise import RecogniseNode
from services.ivr.core.place import Place, read_place, write_place
from services.ivr.core.steps import NOT, VERIFIED, FaxTold, Finish, Go, Message, Perform, Step, Told

# a flow that goes from node to node this often without anything said or done is a loop that validation let pass
MAX_SILENT_MOVES = 100


@dataclass(frozen=True)
class Session:
    """Where the caller is and what is known of him. ``secrets`` live here only: never in an event, a log or a place.

    ``private`` is kept out of topics and from agents too (balances, amounts), but may be said to the caller and compared.
    ``errors``: how many nodes could not do their work, ``error``: the code of the last.
    ``keyed`` and ``timeouts``: how often he keyed something at this node, and how often nothing.
    ``lent_to``: the flow that somebody has sent this leg through and from which he gets it back; empty for a caller of his own.
    """

    session_id: str
    call_id: str
    leg_id: str
    node_id: str
    dialled_number: str
    caller_number: str
    caller_name: str
    language: str
    started_at: datetime
    lent_to: str = ""
    at: str = ""
    since: datetime | None = None
    attempt: int = 0
    error: str = ""
    errors: int = 0
    keyed: int = 0
    timeouts: int = 0
    visits: int = 0
    variables: Mapping[str, str] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    phase: str = ""
    asked: str = ""
    path: tuple[str, ...] = ()
    outcome: str = ""

    def known(self, name: str) -> str | None:
        """The value of a variable, secret or not; ``language`` is that of the session."""
        return self.secrets.get(name, self.speakable().get(name, self.language if name == "language" else None))

    def speakable(self) -> dict[str, str]:
        """Every variable that is no secret."""
        return {**self.variables, **self.private}

    def attributes(self) -> dict[str, str]:
        """What the agent may see: language, path and the variables that are no secret."""
        shown = {k: v for k, v in self.variables.items() if not k.startswith("_")}
        return {**shown, "language": self.language, "path": " > ".join(self.path[-20:])}

    def place(self) -> dict[str, str]:
        """All that another replica needs to go on here."""
        return write_place(Place(self.variables, self.language, self.path, self.visits, self.since))


@dataclass(frozen=True)
class Moved:
    """The session after an input, what happened, and what to do next (None: it is over)."""

    session: Session
    facts: tuple[IvrPayload, ...]
    action: Action | None


def begin(flow: Flow, session: Session, now: datetime) -> Moved:
    """The session at its flow's first node."""
    return _walk(flow, session, Go(flow.start, outcome="started"), now, ())


def resume(flow: Flow, session: Session, place: Mapping[str, str], flow_node: str, now: datetime) -> Moved:
    """The session again at ``flow_node`` after another replica died; at the flow's ``resume`` when a secret it needs is lost."""
    told = read_place(place)
    session = replace(
        session,
        variables=told.variables,
        language=told.language or session.language,
        path=told.path,
        visits=told.visits,
    )
    target = flow_node if flow_node in flow.nodes else flow.resume
    if any(session.known(name) is None for name in flow.nodes[target].needs()):
        target = flow.resume
    lost: tuple[IvrPayload, ...] = ()
    step = Go(target, outcome="resumed", since=told.since if target == flow_node else None)
    if target == flow_node:
        # the same visit, and the clock of a wait goes on where it stood
        session = replace(session, path=told.path[:-1], visits=max(0, session.visits - 1))
    else:
        lost = _lost(flow, replace(session, at=flow_node, since=told.since), now)
    return _apologise(flow, _walk(flow, session, step, now, lost))


def _lost(flow: Flow, session: Session, now: datetime) -> tuple[IvrPayload, ...]:
    """A node that cannot be gone on with, since a secret of his died with its replica, is over."""
    return (_left(flow, session, Go(flow.resume, outcome="lost"), None, now),) if session.at in flow.nodes else ()


def _apologise(flow: Flow, moved: Moved) -> Moved:
    """Before the first words said to a caller who has heard nothing for some seconds."""
    if not isinstance(moved.action, Play | Collect | Record | Listen):
        return moved
    return replace(moved, action=replace(moved.action, prompts=(*flow.apology, *moved.action.prompts)))


def abort(flow: Flow, session: Session, now: datetime) -> Moved:
    """The session ended by a fault of ours."""
    return _cut_short(flow, session, "failed", now)


def note_answer(flow: Flow, session: Session, given: BankAnswer | Faxed | Recorded) -> tuple[IvrPayload, ...]:
    """What came back for a caller who will not hear it any more: what became of his money, or of his fax, and what he said before
    he hung up, is told all the same."""
    if isinstance(given, Recorded):
        given = replace(given, is_hung_up=True)
    if isinstance(given, Faxed | Recorded):
        return _told(session, _step(flow, session, given))
    return (_bank_done(session, given),)


def advance(flow: Flow, session: Session, given: Input, now: datetime) -> Moved:
    """The session after ``given``."""
    if session.outcome:
        return Moved(session, (), None)
    if isinstance(given, CallerGone | Stopped):
        return _cut_short(flow, session, "hung_up" if isinstance(given, CallerGone) else "stopped", now)
    if isinstance(given, Recorded) and given.is_hung_up:
        moved = _cut_short(flow, session, "hung_up", now)
        return replace(moved, facts=(*note_answer(flow, session, given), *moved.facts))
    session = _counted(session, given)
    facts = (_bank_done(session, given),) if isinstance(given, BankAnswer) else ()
    step = _by_common_key(flow, session, given) or _step(flow, session, given)
    facts = (*facts, *_told(session, step))
    if isinstance(step, Perform):
        return Moved(_staying(session, step), facts, step.action)
    return _walk(flow, session, step, now, (*facts, _left(flow, session, step, given, now)))


def _counted(session: Session, given: Input) -> Session:
    kind = _kind_of(given)
    if kind == KeyedKind.NOTHING:
        return replace(session, timeouts=session.timeouts + 1)
    return replace(session, keyed=session.keyed + (kind == KeyedKind.DIGITS))


def _cut_short(flow: Flow, session: Session, outcome: str, now: datetime) -> Moved:
    """The session ended where it stands."""
    step, node = Finish(outcome), flow.nodes.get(session.at)
    if node is None:
        return _end(session, step, now, ())
    told = tuple(_fact(session, one) for one in node.leaves(session))
    return _end(session, step, now, (*told, _left(flow, session, step, None, now)))


def _step(flow: Flow, session: Session, given: Input | None) -> Step:
    """The node's answer; where it cannot do its work the flow's own way for that is taken. Raises Invalid when it has none."""
    try:
        if isinstance(given, Failed):
            raise Invalid(given.code, f"flow {flow.id}: node {session.at} cannot do its work")
        return flow.nodes[session.at].step(session, given)
    except Invalid as error:
        handler = flow.handler_at(session.at)
        if not handler:
            raise
        return Go(handler, outcome=f"error {error.code}", error=error.code)


def _by_common_key(flow: Flow, session: Session, given: Input) -> Go | None:
    """Where a key leads that means the same everywhere; None when it is not one, or has a meaning of its own here."""
    if not isinstance(given, Keyed) or given.digits not in flow.keys:
        return None
    node = flow.nodes[session.at]
    if node.claims(given.digits, session):
        return None
    target = flow.keys[given.digits]
    if target == BACK:
        target = _menu_before(flow, session)
    return Go(target, outcome=f"key {given.digits}", told=node.leaves(session)) if target else None


def _menu_before(flow: Flow, session: Session) -> str:
    """The node where he last chose; one that listened and gave way to keys is none: it would only do so again. May be empty."""
    for at, after in zip(reversed(session.path), (session.at, *reversed(session.path)), strict=False):
        node = flow.nodes.get(at)
        is_menu = isinstance(node, MenuNode) or (isinstance(node, RecogniseNode) and after != node.on_unavailable)
        if is_menu and at != session.at:
            return at
    return ""


def _staying(session: Session, step: Perform) -> Session:
    return replace(
        session,
        attempt=step.attempt,
        phase=step.phase,
        variables={**_less(session.variables, step.forget), **step.variables},
        private={**_less(session.private, step.forget), **step.private},
        secrets={**_less(session.secrets, step.forget), **step.secrets},
        asked=step.action.operation if isinstance(step.action, CallBank) else session.asked,
    )


def _bank_done(session: Session, given: BankAnswer) -> IvrPayload:
    return BankOperationDone(
        call_id=session.call_id,
        session_id=session.session_id,
        operation=session.asked,
        outcome=given.outcome,
        code=given.code,
        elapsed_ms=given.elapsed_ms,
    )


def _told(session: Session, step: Step) -> tuple[IvrPayload, ...]:
    if isinstance(step, Finish):
        return ()
    return tuple(_fact(session, told) for told in step.told)


def _fact(session: Session, told: Told) -> IvrPayload:
    ids = {"call_id": session.call_id, "session_id": session.session_id}
    if isinstance(told, Message):
        caller = {"caller_number": session.caller_number, "attributes": session.attributes()}
        return MessageLeft(**ids, queue_id=told.queue, path=told.path, seconds=told.seconds, **caller)
    if isinstance(told, FaxTold):
        return FaxDone(
            **ids,
            document=told.document,
            to="caller",
            outcome=told.outcome,
            pages=told.pages,
            reason=told.reason,
            attempt=told.attempt,
            is_last=told.is_last,
        )
    return SurveyAnswered(**ids, survey=told.survey, question=told.question, answer=told.answer)


def _walk(flow: Flow, session: Session, step: Step, now: datetime, facts: tuple[IvrPayload, ...]) -> Moved:
    for _ in range(MAX_SILENT_MOVES):
        if isinstance(step, Finish):
            return _end(session, step, now, facts)
        if isinstance(step, Perform):
            return Moved(_staying(session, step), facts, step.action)
        session = _enter(session, step, now)
        node = flow.nodes[session.at]
        entered = NodeEntered(
            call_id=session.call_id,
            session_id=session.session_id,
            flow_node=session.at,
            kind=node.kind,
            place=session.place(),
            visit=session.visits,
            queue_id=node.queue if isinstance(node, QueueNode) else "",
        )
        facts = (*facts, entered)
        is_lost = session.at != flow.resume and any(session.known(name) is None for name in node.needs())
        # a secret died with another replica, or a bank's answer had less than the flow counts on: begin again, honestly
        step = Go(flow.resume, outcome="lost") if is_lost else _step(flow, session, None)
        if not isinstance(step, Perform):
            facts = (*facts, _left(flow, session, step, None, now))
    raise Bug("bug.flow_loop", f"flow {flow.id} goes round at {session.at} without doing anything")


def _enter(session: Session, step: Go, now: datetime) -> Session:
    return replace(
        session,
        at=step.target,
        since=step.since or now,
        attempt=0,
        error=step.error or session.error,
        errors=session.errors + bool(step.error),
        keyed=0,
        timeouts=0,
        phase="",
        visits=session.visits + 1,
        variables={**_less(session.variables, step.forget), **step.variables},
        private={**_less(session.private, step.forget), **step.private},
        secrets=_less({**session.secrets, **step.secrets}, step.forget),
        language=step.language or session.language,
        path=(*session.path, step.target),
    )


def _less(known: Mapping[str, str], forget: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in known.items() if name not in forget}


def _left(flow: Flow, session: Session, step: Go | Finish, given: Input | None, now: datetime) -> NodeLeft:
    return NodeLeft(
        call_id=session.call_id,
        session_id=session.session_id,
        flow_node=session.at,
        kind=flow.nodes[session.at].kind,
        outcome=step.outcome,
        input_kind=_kind_of(given),
        elapsed_ms=int((now - (session.since or now)).total_seconds() * 1000),
        flow_id=flow.id,
        flow_version=flow.version,
        visit=session.visits,
        keyed=session.keyed,
        timeouts=session.timeouts,
    )


def _kind_of(given: Input | None) -> str:
    if isinstance(given, Heard) and given.outcome != "unavailable":
        return "speech" if given.outcome == "heard" else KeyedKind.NOTHING.value
    return given.kind.value if isinstance(given, Keyed) else "none"


def _end(session: Session, step: Finish, now: datetime, facts: tuple[IvrPayload, ...]) -> Moved:
    ended = SessionEnded(
        call_id=session.call_id,
        session_id=session.session_id,
        outcome=step.outcome,
        last_flow_node=session.at,
        elapsed_ms=int((now - session.started_at).total_seconds() * 1000),
    )
    returned = (_returned(session, step),) if session.lent_to else ()
    # nothing secret outlives the session
    over = replace(session, outcome=step.outcome, secrets={}, private={})
    # told first: a leg that was given back is never taken up again, and one whose return was not told is
    return Moved(over, (*facts, *returned, ended), None)


def _returned(session: Session, step: Finish) -> FlowReturned:
    return FlowReturned(
        call_id=session.call_id,
        session_id=session.session_id,
        leg_id=session.leg_id,
        flow_id=session.lent_to,
        # a flow that ends in anything but a return node: hung up, failed, stopped, or the caller given to somebody else
        outcome=step.returned or step.outcome,
        results=_results(session, step),
    )


def _results(session: Session, step: Finish) -> dict[str, str]:
    """What the flow gives back; that somebody failed to prove who he is, is told whether it was asked for or not."""
    found = {name: session.variables[name] for name in step.results if name in session.variables}
    return {**found, VERIFIED: NOT} if session.variables.get(VERIFIED) == NOT else found
