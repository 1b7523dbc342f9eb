"""One caller walking through one published flow: pure; the shell performs the actions and brings their results back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ipcc.contracts.ivr import IvrPayload, SessionEnded
from ipcc.errors import Bug, Invalid
from services.ivr.core.actions import (
    Action,
    BankAnswer,
    CallBank,
    CallerGone,
    Collect,
    Failed,
    Faxed,
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
from services.ivr.core.nodes.bank import BankNode
from services.ivr.core.nodes.menu import MenuNode
from services.ivr.core.nodes.recognise import RecogniseNode
from services.ivr.core.place import Place, read_place, write_place
from services.ivr.core.steps import Finish, Go, Perform, Step
from services.ivr.core.telling import (
    agreed_results,
    bank_fact,
    entered_fact,
    kind_of,
    left_fact,
    one_fact,
    returned_fact,
    told_facts,
)

# a flow that goes from node to node this often without anything said or done is a loop that validation let pass
MAX_SILENT_MOVES = 100
# how an order ends whose movement was answered before its replica died: it is never given again
_ANSWERED = {"ok": "done", "unavailable": "unavailable", "unknown": "unknown"}


@dataclass(frozen=True)
class Session:
    """Where the caller is and what is known of him. ``secrets`` live here only: never in an event, a log or a place.

    ``private`` is kept out of topics and from agents too (balances, amounts), but may be said to the caller and compared.
    ``errors``: how many nodes could not do their work, ``error``: the code of the last.
    ``keyed`` and ``timeouts``: how often he keyed something at this node, and how often nothing.
    ``lent_to``: the flow that somebody has sent this leg through and from which he gets it back; empty for a caller of his own.
    ``ordered_by``: who has ordered it, with inputs of his; ``movement``: what the bank last said of a movement.
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
    ordered_by: str = ""
    movement: str = ""
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
        return write_place(
            Place(self.variables, self.language, self.path, self.visits, self.since, movement=self.movement)
        )

    def order_key(self) -> str:
        """The key of what is ordered of the bank here: the same for the same visit, whoever carries it out. What an agent has
        ordered is one movement however often the customer is asked for it."""
        visit = "" if self.ordered_by else f"/{self.visits}"
        return f"{self.session_id}/{self.at}{visit}"


@dataclass(frozen=True)
class Moved:
    """The session after an input, what happened, and what to do next (None: it is over). ``results`` are what the customer has
    agreed to show his agent: not for topics as they are."""

    session: Session
    facts: tuple[IvrPayload, ...]
    action: Action | None
    results: Mapping[str, str] = field(default_factory=dict, repr=False)


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
        movement=told.movement,
    )
    if session.ordered_by and session.movement in _ANSWERED:
        over = Finish("completed", _ANSWERED[session.movement])
        here = replace(session, at=flow_node, since=told.since)
        left = (left_fact(flow, here, over, None, now),) if flow_node in flow.nodes else ()
        return _end(flow, here, over, now, left)
    standing = flow.nodes.get(flow_node)
    if isinstance(standing, BankNode) and standing.moves:
        return _settle(flow, standing, session, Go(flow_node, "resumed", since=told.since), now)
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


def _settle(flow: Flow, node: BankNode, session: Session, back: Go, now: datetime) -> Moved:
    """The bank may have had the order of the replica that died: it is asked what became of it, and nothing is ordered again."""
    session = _enter(replace(session, path=session.path[:-1], visits=max(0, session.visits - 1)), back, now)
    asking = Perform(CallBank(node.operation, {}, is_settled=True))
    return Moved(_staying(session, asking), (entered_fact(flow, session),), asking.action)


def _lost(flow: Flow, session: Session, now: datetime) -> tuple[IvrPayload, ...]:
    """A node that cannot be gone on with, since a secret of his died with its replica, is over."""
    return (left_fact(flow, session, Go(flow.resume, outcome="lost"), None, now),) if session.at in flow.nodes else ()


def _apologise(flow: Flow, moved: Moved) -> Moved:
    """Before the first words said to a caller who has heard nothing for some seconds."""
    if not isinstance(moved.action, Play | Collect | Record | Listen):
        return moved
    return replace(moved, action=replace(moved.action, prompts=(*flow.apology, *moved.action.prompts)))


def abort(flow: Flow, session: Session, now: datetime) -> Moved:
    """The session ended by a fault of ours."""
    return _cut_short(flow, session, "failed", now)


def answered(flow: Flow, session: Session, given: Input) -> Session:
    """The session that knows what the bank has said of a movement, also where its caller will not hear it any more."""
    node = flow.nodes.get(session.at)
    is_one = isinstance(given, BankAnswer) and isinstance(node, BankNode) and node.moves
    return replace(session, movement=given.outcome) if is_one and isinstance(given, BankAnswer) else session


def note_answer(flow: Flow, session: Session, given: BankAnswer | Faxed | Recorded) -> tuple[IvrPayload, ...]:
    """What came back for a caller who will not hear it any more: what became of his money, or of his fax, and what he said before
    he hung up, is told all the same."""
    if isinstance(given, Recorded):
        given = replace(given, is_hung_up=True)
    if isinstance(given, Faxed | Recorded):
        return told_facts(flow, session, _step(flow, session, given))
    return (bank_fact(session, given),)


def advance(flow: Flow, session: Session, given: Input, now: datetime) -> Moved:
    """The session after ``given``."""
    if session.outcome:
        return Moved(session, (), None)
    if isinstance(given, CallerGone | Stopped):
        return _cut_short(flow, session, "hung_up" if isinstance(given, CallerGone) else "stopped", now)
    if isinstance(given, Recorded) and given.is_hung_up:
        moved = _cut_short(flow, session, "hung_up", now)
        return replace(moved, facts=(*note_answer(flow, session, given), *moved.facts))
    session = answered(flow, _counted(session, given), given)
    facts = (bank_fact(session, given),) if isinstance(given, BankAnswer) else ()
    step = _by_common_key(flow, session, given) or _step(flow, session, given)
    facts = (*facts, *told_facts(flow, session, step))
    if isinstance(step, Perform):
        return Moved(_staying(session, step), facts, step.action)
    return _walk(flow, session, step, now, (*facts, left_fact(flow, session, step, given, now)))


def _counted(session: Session, given: Input) -> Session:
    kind = kind_of(given)
    if kind == KeyedKind.NOTHING:
        return replace(session, timeouts=session.timeouts + 1)
    return replace(session, keyed=session.keyed + (kind == KeyedKind.DIGITS))


def _cut_short(flow: Flow, session: Session, outcome: str, now: datetime) -> Moved:
    """The session ended where it stands."""
    step, node = Finish(outcome), flow.nodes.get(session.at)
    if node is None:
        return _end(flow, session, step, now, ())
    told = tuple(one_fact(flow, session, one) for one in node.leaves(session))
    return _end(flow, session, step, now, (*told, left_fact(flow, session, step, None, now)))


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


def _walk(flow: Flow, session: Session, step: Step, now: datetime, facts: tuple[IvrPayload, ...]) -> Moved:
    for _ in range(MAX_SILENT_MOVES):
        if isinstance(step, Finish):
            return _end(flow, session, step, now, facts)
        if isinstance(step, Perform):
            return Moved(_staying(session, step), facts, step.action)
        session = _enter(session, step, now)
        node = flow.nodes[session.at]
        facts = (*facts, entered_fact(flow, session))
        is_lost = session.at != flow.resume and any(session.known(name) is None for name in node.needs())
        # a secret died with another replica, or a bank's answer had less than the flow counts on: begin again, honestly
        step = _begin_again(flow, session) if is_lost else _step(flow, session, None)
        if not isinstance(step, Perform):
            facts = (*facts, left_fact(flow, session, step, None, now))
    raise Bug("bug.flow_loop", f"flow {flow.id} goes round at {session.at} without doing anything")


def _begin_again(flow: Flow, session: Session) -> Go | Finish:
    """Where one goes on who has lost what the node needs; what an agent has ordered and the bank has answered is over."""
    if session.ordered_by and session.movement in _ANSWERED:
        return Finish("completed", _ANSWERED[session.movement])
    return Go(flow.resume, outcome="lost")


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


def _end(flow: Flow, session: Session, step: Finish, now: datetime, facts: tuple[IvrPayload, ...]) -> Moved:
    ended = SessionEnded(
        call_id=session.call_id,
        session_id=session.session_id,
        outcome=step.outcome,
        last_flow_node=session.at,
        elapsed_ms=int((now - session.started_at).total_seconds() * 1000),
    )
    returned = (returned_fact(session, step),) if session.lent_to else ()
    # nothing secret outlives the session
    over = replace(session, outcome=step.outcome, secrets={}, private={})
    # told first: a leg that was given back is never taken up again, and one whose return was not told is
    return Moved(over, (*facts, *returned, ended), None, agreed_results(flow, session, step))
