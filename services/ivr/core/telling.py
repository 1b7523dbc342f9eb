"""What is told of a session: facts about nodes, answers and ends; never a value that somebody keyed or the bank has said. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ipcc.contracts.ivr import (
    BankOperationDone,
    ConsentAnswered,
    FaxDone,
    FlowReturned,
    IvrPayload,
    MessageLeft,
    NodeEntered,
    NodeLeft,
    SurveyAnswered,
)
from services.ivr.core.actions import BankAnswer, Heard, Input, Keyed, KeyedKind
from services.ivr.core.flow import Flow
from services.ivr.core.nodes.queue import QueueNode
from services.ivr.core.steps import NOT, VERIFIED, Consent, FaxTold, Finish, Go, Message, Step, Told

if TYPE_CHECKING:
    from services.ivr.core.session import Session


def entered_fact(flow: Flow, session: Session) -> NodeEntered:
    """The session stands at a node now."""
    node = flow.nodes[session.at]
    return NodeEntered(
        call_id=session.call_id,
        session_id=session.session_id,
        flow_node=session.at,
        kind=node.kind,
        place=session.place(),
        visit=session.visits,
        queue_id=node.queue if isinstance(node, QueueNode) else "",
    )


def left_fact(flow: Flow, session: Session, step: Go | Finish, given: Input | None, now: datetime) -> NodeLeft:
    """The node is done, by this step."""
    return NodeLeft(
        call_id=session.call_id,
        session_id=session.session_id,
        flow_node=session.at,
        kind=flow.nodes[session.at].kind,
        outcome=step.outcome,
        input_kind=kind_of(given),
        elapsed_ms=int((now - (session.since or now)).total_seconds() * 1000),
        flow_id=flow.id,
        flow_version=flow.version,
        visit=session.visits,
        keyed=session.keyed,
        timeouts=session.timeouts,
    )


def told_facts(flow: Flow, session: Session, step: Step) -> tuple[IvrPayload, ...]:
    """What a node tells beyond its way out."""
    if isinstance(step, Finish):
        return ()
    return tuple(one_fact(flow, session, told) for told in step.told)


def one_fact(flow: Flow, session: Session, told: Told) -> IvrPayload:
    """What a node tells, as a fact."""
    ids = {"call_id": session.call_id, "session_id": session.session_id}
    if isinstance(told, Consent):
        return ConsentAnswered(
            **ids,
            flow_id=flow.id,
            flow_version=flow.version,
            flow_node=session.at,
            about=told.about,
            outcome=told.outcome,
            language=session.language,
            said=told.said,
            by=session.ordered_by,
        )
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


def bank_fact(session: Session, given: BankAnswer) -> IvrPayload:
    """The bank has answered."""
    return BankOperationDone(
        call_id=session.call_id,
        session_id=session.session_id,
        operation=session.asked,
        outcome=given.outcome,
        code=given.code,
        elapsed_ms=given.elapsed_ms,
    )


def kind_of(given: Input | None) -> str:
    """Of what kind an input was: all that is ever told of it."""
    if isinstance(given, Heard) and given.outcome != "unavailable":
        return "speech" if given.outcome == "heard" else KeyedKind.NOTHING.value
    return given.kind.value if isinstance(given, Keyed) else "none"


def returned_fact(session: Session, step: Finish) -> FlowReturned:
    """The leg is given back."""
    return FlowReturned(
        call_id=session.call_id,
        session_id=session.session_id,
        leg_id=session.leg_id,
        flow_id=session.lent_to,
        # a flow that ends in anything but a return node: hung up, failed, stopped, or the caller given to somebody else
        outcome=step.returned or step.outcome,
        results=_results(session, step),
        movement=session.movement,
    )


def _results(session: Session, step: Finish) -> dict[str, str]:
    """What the flow gives back; that somebody failed to prove who he is, is told whether it was asked for or not."""
    found = {name: session.variables[name] for name in step.results if name in session.variables}
    return {**found, VERIFIED: NOT} if session.variables.get(VERIFIED) == NOT else found


def agreed_results(flow: Flow, session: Session, step: Finish) -> dict[str, str]:
    """What of the bank's answers an order shows the agent."""
    shown = flow.order.results if flow.order and session.ordered_by else {}
    return {name: session.private[name] for name in step.results if name in shown and name in session.private}
