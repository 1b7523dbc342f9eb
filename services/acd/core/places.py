"""Where agents are rung: at a phone of ours, which works while it is registered, or at a number outside, which nobody registers."""

from __future__ import annotations

from ipcc.contracts.acd import AgentState, OfferOutcome
from ipcc.contracts.config import User
from ipcc.contracts.tags import is_line
from ipcc.dialling import is_outside
from services.acd.core.rules import LINE_LOST, PHONE_LOST
from services.acd.core.state import State
from services.acd.core.turn import Become

_DOES_NOT_WORK = frozenset(
    {PHONE_LOST, OfferOutcome.FAILED.value, OfferOutcome.BUSY.value, OfferOutcome.DECLINED.value}
)


def is_known(state: State, place: str) -> bool:
    """Whether it can be signed in at; a number outside was allowed by whoever asked (ctiserver, by the dial rules)."""
    return is_outside(place) or is_line(place) or place in state.phones


def needs_phone(user: User) -> bool:
    """Whether he takes calls; who does not may sign in without a phone."""
    return user.capacity.voice > 0


def can_be_rung(state: State, place: str) -> bool:
    """Whether it works, as far as is known (I9); who signed in without a phone is never rung."""
    return not place or is_outside(place) or state.is_registered(place)


def lost_at(place: str) -> str:
    """Why he is not ready when his place does not work: a line that is gone does not come back, another one is made."""
    return LINE_LOST if is_line(place) else PHONE_LOST


def rest_at(place: str, wish: Become) -> Become:
    """A number outside that refused or failed is rung again only when he says that he is ready: nobody tells that it works."""
    if not is_outside(place) or wish.state is not AgentState.NOT_READY or wish.reason not in _DOES_NOT_WORK:
        return wish
    reason = OfferOutcome.UNREGISTERED.value if wish.reason == PHONE_LOST else wish.reason
    return Become(wish.state, reason)
