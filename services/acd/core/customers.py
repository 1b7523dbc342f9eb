"""Dialling the customer of a callback for one offer: how long, from which switch, under which name; and letting it be.

One offer dials him at most once: the leg's name comes from the offer's, so that a new owner finds it again and nothing is ever
dialled twice under one name.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ipcc.contracts.callback import CallbackDialled, CallbackOutcome, CallbackTried
from ipcc.contracts.config import CallBack, Queue
from ipcc.dialling import Reacher, Route, route_of, rules_for
from ipcc.errors import Invalid, NotAllowed
from services.acd.core.effects import DialCustomer, EndLeg
from services.acd.core.naming import customer_leg_of
from services.acd.core.rows import Agent, Entry, Offer
from services.acd.core.rules import RING_MARGIN_S
from services.acd.core.state import State
from services.acd.core.turn import Turn

DEFAULT_ZONE = "Asia/Shanghai"
# by whose rights customers are dialled
BANK = Reacher(("system",))
LET_BE = "ORIGINATOR_CANCEL"
_OUTCOMES: dict[str, CallbackOutcome] = {
    "NO_ANSWER": CallbackOutcome.NO_ANSWER,
    "NO_USER_RESPONSE": CallbackOutcome.NO_ANSWER,
    "ALLOTTED_TIMEOUT": CallbackOutcome.NO_ANSWER,
    "PROGRESS_TIMEOUT": CallbackOutcome.NO_ANSWER,
    "ORIGINATOR_CANCEL": CallbackOutcome.NO_ANSWER,
    "USER_BUSY": CallbackOutcome.BUSY,
    "CALL_REJECTED": CallbackOutcome.REFUSED,
}


def outcome_of(cause: str) -> CallbackOutcome:
    """What a customer's leg that ended before it was answered says about the try."""
    return _OUTCOMES.get(cause, CallbackOutcome.FAILED)


def rules_of(state: State, entry: Entry) -> CallBack:
    """How the queue of ``entry`` calls back; one that calls back no more goes on by the contract's defaults."""
    queue = state.queues.get(entry.queue_id)
    return (queue.callback if queue is not None else None) or CallBack()


def route_for(state: State, rules: CallBack, number: str) -> Route | None:
    """How a customer at ``number`` is dialled by the dial plan of the unit; None where no plan is administered, then as it stands.

    Raises NotAllowed (dial.not_allowed) and Invalid (number.invalid) as `ipcc.dialling.route_of`, and Invalid (acd.bad_number) for
    a phone of ours: its user is no customer.
    """
    plan = rules_for(rules.organisation or "", state.units, state.plans.values(), ())
    if not plan:
        return None
    route = route_of(number, plan, BANK)
    if not route.gateway:
        raise Invalid("acd.bad_number", "the number is a phone of ours", field="phone_number", rule=route.rule)
    return route


def _route_now(state: State, rules: CallBack, entry: Entry) -> Route | None:
    """The same when he is dialled: a plan may have been changed since he asked. None: he may not be dialled any more."""
    try:
        return route_for(state, rules, entry.caller_number) or Route("", entry.caller_number)
    except (NotAllowed, Invalid):
        return None


def node_for(state: State, entry: Entry, agent: Agent) -> str:
    """The switch an offer of ``entry`` to ``agent`` is carried out on: the caller's, or for a callback the agent's own."""
    if entry.node_id:
        return entry.node_id
    found = state.registrations.get(agent.phone_id)
    if found is not None and found.node_id:
        return found.node_id
    return min((node for node in state.nodes if state.is_up(node)), default="")


def call_for(state: State, entry: Entry, offer_id: str) -> str:
    """The call an offer belongs to. That of a callback is named after its first leg: the agent's, or the customer's."""
    if entry.callback is None:
        return entry.call_id
    if entry.callback.is_reached:
        return entry.callback.call_id
    return customer_leg_of(offer_id) if rules_of(state, entry).first == "customer" else offer_id


def dial(turn: Turn, offer: Offer, entry: Entry) -> None:
    """Have the customer dialled for this offer."""
    rules = rules_of(turn.state, entry)
    leg_id = customer_leg_of(offer.id)
    turn.tell(
        CallbackDialled,
        offer_id=offer.id,
        entry_id=entry.id,
        call_id=offer.call_id,
        queue_id=entry.queue_id,
        leg_id=leg_id,
        node_id=offer.node_id,
        deadline=turn.now + timedelta(seconds=rules.ring_s + RING_MARGIN_S),
    )
    queue = turn.state.queues.get(entry.queue_id)
    route = _route_now(turn.state, rules, entry)
    turn.do(
        DialCustomer(
            leg_id=leg_id,
            offer_id=offer.id,
            entry_id=entry.id,
            call_id=offer.call_id,
            node_id=offer.node_id,
            phone_number=route.number if route is not None else "",
            gateway=route.gateway if route is not None else "",
            ring_s=rules.ring_s,
            # who must still wait for an agent is told who calls, and then hears music
            greeting_language="" if offer.answered_at is not None else entry.language or "zh",
            music=queue.music if queue is not None else "",
        )
    )


def let_be(turn: Turn, offer: Offer) -> None:
    """The offer ends while the customer is dialled: he is let be, and that counts for no try."""
    entry = turn.state.entries.get(offer.entry_id)
    if not offer.customer_leg or entry is None or entry.callback is None:
        return
    turn.do(EndLeg(offer.node_id, offer.customer_leg, LET_BE))
    tell_tried(turn, offer, CallbackOutcome.WITHDRAWN, tries=entry.callback.tries)


def tell_tried(
    turn: Turn,
    offer: Offer,
    outcome: CallbackOutcome,
    *,
    tries: int,
    cause: str = "",
    until: tuple[datetime | None, datetime | None] = (None, None),
) -> None:
    """What came of the try; ``until``: the end of the pause, and the offer's time from now on."""
    turn.tell(
        CallbackTried,
        offer_id=offer.id,
        entry_id=offer.entry_id,
        call_id=offer.call_id,
        queue_id=offer.queue_id,
        leg_id=offer.customer_leg,
        node_id=offer.node_id,
        outcome=outcome,
        tries=tries,
        cause_text=cause,
        paused_until=until[0],
        deadline=until[1],
    )


def stretch(state: State, queue: Queue | None, at: datetime) -> tuple[datetime, datetime]:
    """The first stretch of time from ``at`` on in which customers of ``queue`` may be dialled; it may have begun."""
    rules = (queue.callback if queue is not None else None) or CallBack()
    calendar = state.calendars.get(queue.calendar or "") if queue is not None else None
    zone = ZoneInfo(calendar.timezone if calendar is not None else DEFAULT_ZONE)
    local = at.astimezone(zone)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    begin, end = _at(day, rules.not_before), _at(day, rules.not_after)
    if local >= end:
        day = (day + timedelta(days=1)).replace(hour=0)
        begin, end = _at(day, rules.not_before), _at(day, rules.not_after)
    return max(begin, local).astimezone(at.tzinfo), end.astimezone(at.tzinfo)


def _at(day: datetime, clock: str) -> datetime:
    hour, minute = (int(part) for part in clock.split(":"))
    return day + timedelta(days=1) if hour == 24 else day.replace(hour=hour, minute=minute)
