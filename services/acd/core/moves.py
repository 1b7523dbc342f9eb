"""The agent's day as a table: every legal move, every input that changes nothing (with the reason), and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ipcc.contracts.acd import AgentState
from ipcc.errors import IllegalMove, NotNow

OUT = AgentState.OUT
NOT_READY = AgentState.NOT_READY
READY = AgentState.READY
OFFERED = AgentState.OFFERED
RINGING = AgentState.RINGING
TALKING = AgentState.TALKING
WRAP_UP = AgentState.WRAP_UP


class Given(StrEnum):
    """What happens to an agent."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    FORCE_OUT = "force_out"
    BE_READY = "be_ready"
    BE_NOT_READY = "be_not_ready"
    OFFER = "offer"
    RING = "ring"
    JOIN = "join"
    OFFER_END = "offer_end"
    TALK_END = "talk_end"
    WRAP_UP_END = "wrap_up_end"
    TIME_UP = "time_up"
    LIMIT = "limit"
    PHONE_LOST = "phone_lost"
    PHONE_BACK = "phone_back"


@dataclass(frozen=True, slots=True)
class Go:
    """Legal: the agent may come to one of these states."""

    to: frozenset[AgentState]


@dataclass(frozen=True, slots=True)
class Stay:
    """Normal, and changes nothing, because ``why``."""

    why: str


@dataclass(frozen=True, slots=True)
class Deny:
    """A command that is refused now, with its error code and sentence."""

    code: str
    why: str


Row = Go | Stay | Deny


def _go(*to: AgentState) -> Go:
    return Go(frozenset(to))


_ENGAGED = Deny("acd.agent_engaged", "the agent has a contact: end it first, or force")
_NOT_SIGNED_IN = Deny("acd.not_signed_in", "the agent is not signed in")
_OVER = Stay("that offer is over for him")
_NO_TALK = Stay("that conversation is over for him")
_PENDING = Stay("his phone is asked for again when he becomes ready")
_EARLIER = Stay("the end of an earlier state")

# After a forced sign-out the conversation goes on: OUT therefore knows the news of a contact. Moves that keep the state
# change what is to come: the pause asked for, the phone, the reason.
MOVES: dict[AgentState, dict[Given, Row]] = {
    OUT: {
        Given.SIGN_IN: _go(NOT_READY, READY, TALKING),
        Given.SIGN_OUT: Stay("he is out"),
        Given.FORCE_OUT: Stay("he is out"),
        Given.BE_READY: _NOT_SIGNED_IN,
        Given.BE_NOT_READY: _NOT_SIGNED_IN,
        Given.WRAP_UP_END: _NOT_SIGNED_IN,
        Given.RING: _OVER,
        Given.OFFER_END: _OVER,
        Given.TALK_END: _NO_TALK,
        Given.TIME_UP: _EARLIER,
        Given.LIMIT: _EARLIER,
        Given.PHONE_LOST: Stay("he is out"),
        Given.PHONE_BACK: Stay("he is out"),
    },
    NOT_READY: {
        Given.SIGN_IN: _go(NOT_READY, READY),
        Given.SIGN_OUT: _go(OUT),
        Given.FORCE_OUT: _go(OUT),
        Given.BE_READY: _go(READY),
        Given.BE_NOT_READY: _go(NOT_READY),
        Given.WRAP_UP_END: Stay("his wrap-up is over"),
        Given.RING: _OVER,
        Given.OFFER_END: _OVER,
        Given.TALK_END: _NO_TALK,
        Given.TIME_UP: _go(READY, NOT_READY),
        Given.LIMIT: _go(NOT_READY),
        Given.PHONE_LOST: Stay("he is not ready"),
        Given.PHONE_BACK: _go(READY),
    },
    READY: {
        Given.SIGN_IN: _go(READY, NOT_READY),
        Given.SIGN_OUT: _go(OUT),
        Given.FORCE_OUT: _go(OUT),
        Given.BE_READY: Stay("he is ready"),
        Given.BE_NOT_READY: _go(NOT_READY),
        Given.OFFER: _go(OFFERED),
        Given.WRAP_UP_END: Stay("his wrap-up is over"),
        Given.RING: _OVER,
        Given.OFFER_END: _OVER,
        Given.TALK_END: _NO_TALK,
        Given.TIME_UP: _EARLIER,
        Given.LIMIT: _EARLIER,
        Given.PHONE_LOST: _go(NOT_READY),
        Given.PHONE_BACK: Stay("he is ready"),
    },
    OFFERED: {
        Given.SIGN_IN: _ENGAGED,
        Given.SIGN_OUT: _ENGAGED,
        Given.FORCE_OUT: _go(OUT),
        Given.BE_READY: _go(OFFERED),
        Given.BE_NOT_READY: _go(OFFERED),
        Given.WRAP_UP_END: Stay("his wrap-up is over"),
        Given.RING: _go(RINGING),
        Given.JOIN: _go(TALKING),
        Given.OFFER_END: _go(READY, NOT_READY, OUT),
        Given.TALK_END: _NO_TALK,
        Given.TIME_UP: _EARLIER,
        Given.LIMIT: _EARLIER,
        Given.PHONE_LOST: Stay("the offer will tell"),
        Given.PHONE_BACK: Stay("the offer will tell"),
    },
    RINGING: {
        Given.SIGN_IN: _ENGAGED,
        Given.SIGN_OUT: _ENGAGED,
        Given.FORCE_OUT: _go(OUT),
        Given.BE_READY: _go(RINGING),
        Given.BE_NOT_READY: _go(RINGING),
        Given.WRAP_UP_END: Stay("his wrap-up is over"),
        Given.RING: Stay("it rings"),
        Given.JOIN: _go(TALKING),
        Given.OFFER_END: _go(READY, NOT_READY, OUT),
        Given.TALK_END: _NO_TALK,
        Given.TIME_UP: _EARLIER,
        Given.LIMIT: _EARLIER,
        Given.PHONE_LOST: Stay("the offer will tell"),
        Given.PHONE_BACK: Stay("the offer will tell"),
    },
    TALKING: {
        Given.SIGN_IN: _ENGAGED,
        Given.SIGN_OUT: _ENGAGED,
        Given.FORCE_OUT: _go(OUT),
        Given.BE_READY: _go(TALKING),
        Given.BE_NOT_READY: _go(TALKING),
        Given.WRAP_UP_END: Deny("acd.still_talking", "the conversation is not over"),
        Given.RING: _OVER,
        Given.JOIN: Stay("they are joined"),
        Given.OFFER_END: _OVER,
        Given.TALK_END: _go(WRAP_UP, READY, NOT_READY, OUT),
        Given.TIME_UP: _EARLIER,
        Given.LIMIT: _EARLIER,
        Given.PHONE_LOST: Stay("the conversation will tell"),
        Given.PHONE_BACK: Stay("the conversation will tell"),
    },
    WRAP_UP: {
        Given.SIGN_IN: _ENGAGED,
        Given.SIGN_OUT: _go(OUT),
        Given.FORCE_OUT: _go(OUT),
        Given.BE_READY: _go(READY, NOT_READY, OUT),
        Given.BE_NOT_READY: _go(WRAP_UP),
        Given.WRAP_UP_END: _go(READY, NOT_READY, OUT),
        Given.RING: _OVER,
        Given.OFFER_END: _OVER,
        Given.TALK_END: _NO_TALK,
        Given.TIME_UP: _go(READY, NOT_READY, OUT),
        Given.LIMIT: _EARLIER,
        Given.PHONE_LOST: _PENDING,
        Given.PHONE_BACK: _PENDING,
    },
}


def look_up(agent_id: str, state: AgentState, given: Given) -> Go | Stay:
    """What ``given`` may do to an agent in ``state``. Raises NotNow for a refused command, IllegalMove for a mistake of ours."""
    row = MOVES[state].get(given)
    if row is None:
        raise IllegalMove(f"agent {agent_id}", state, given)
    if isinstance(row, Deny):
        raise NotNow(row.code, f"{given.replace('_', ' ')}: {row.why}", agent_id=agent_id, state=state.value)
    return row
