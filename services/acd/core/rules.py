"""The fixed rules of offering: margins, and what each way an offer can fail does to the agent."""

from __future__ import annotations

from datetime import datetime, timedelta

from ipcc.contracts.acd import AgentState, OfferOutcome
from ipcc.contracts.config import Queue

# dialling and the way of the first ring take a moment; the agent still gets his full ring time
RING_MARGIN_S = 1.0
# an answered offer whose joining nobody reported within this is given up
JOIN_LIMIT_S = 5.0
# a phone that refuses at once would be dialled in a tight loop if its agent stayed ready
REST_S = 5
UNREGISTERED_REST_S = 30

SIGNED_IN = "signed_in"
PHONE_LOST = "phone_lost"
LINE_LOST = "line_lost"
REMOVED = "removed"
NOT_HIS_DOING = frozenset({OfferOutcome.CALLER_GONE.value, OfferOutcome.WITHDRAWN.value})

# FreeSWITCH's names of Q.850 causes (recorded facts 21 and 35)
_OUTCOMES: dict[str, OfferOutcome] = {
    "NO_ANSWER": OfferOutcome.NO_ANSWER,
    "NO_USER_RESPONSE": OfferOutcome.NO_ANSWER,
    "ALLOTTED_TIMEOUT": OfferOutcome.NO_ANSWER,
    "PROGRESS_TIMEOUT": OfferOutcome.NO_ANSWER,
    "USER_BUSY": OfferOutcome.BUSY,
    "CALL_REJECTED": OfferOutcome.DECLINED,
    "USER_NOT_REGISTERED": OfferOutcome.UNREGISTERED,
    "SUBSCRIBER_ABSENT": OfferOutcome.UNREGISTERED,
}


def outcome_of(cause: str) -> OfferOutcome:
    """What a leg that ended before it was joined says about the offer."""
    return _OUTCOMES.get(cause, OfferOutcome.FAILED)


def rest_after(outcome: OfferOutcome, queue: Queue, now: datetime) -> tuple[AgentState, str, datetime | None]:
    """State, reason and end of the state of an agent whose offer ended with ``outcome``, by the rules of its queue."""
    if outcome.value in NOT_HIS_DOING:
        return AgentState.READY, outcome.value, None
    if outcome is OfferOutcome.UNREGISTERED:
        return AgentState.NOT_READY, PHONE_LOST, now + timedelta(seconds=UNREGISTERED_REST_S)
    if outcome is OfferOutcome.FAILED:
        return AgentState.NOT_READY, outcome.value, now + timedelta(seconds=REST_S)
    if queue.after_no_answer == "not_ready":
        back = now + timedelta(seconds=queue.return_after_s) if queue.return_after_s else None
        return AgentState.NOT_READY, outcome.value, back
    if outcome is OfferOutcome.NO_ANSWER:
        return AgentState.READY, outcome.value, None
    return AgentState.NOT_READY, outcome.value, now + timedelta(seconds=REST_S)
