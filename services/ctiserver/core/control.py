"""Call control: how somebody stands in his call, which verb is legal when, and what may be attached to a call. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum

from ipcc.call.model import Leg
from ipcc.contracts.call import IDENTITY
from ipcc.contracts.tags import LegRole
from ipcc.errors import Invalid, NotAllowed, NotNow

MOST_ITEMS = 50
LONGEST_VALUE = 500
_KEY = re.compile(r"^[a-z][a-z0-9_.-]{0,39}$")
_DIGITS = re.compile(r"^[0-9*#A-D]{1,32}$")


class Standing(StrEnum):
    """How the party at a leg stands in the call; worked out from the leg and the others around it."""

    INITIATED = "initiated"  # dialled, does not ring yet
    RINGING = "ringing"
    ALONE = "alone"  # answered, nobody at the other end
    TALKING = "talking"
    HOLDING = "holding"  # put the other on hold
    DIALLING = "dialling"  # somebody waits for him while he dials a third
    CONSULTING = "consulting"  # somebody waits for him while he talks to a third
    AWAITING_FLOW = "awaiting_flow"  # whom he talked to walks through a flow, and comes back to him
    WAITED_FOR = "waited_for"  # somebody waits for him and he talks to nobody
    CONFERRING = "conferring"
    SUPERVISING = "supervising"
    ENDED = "ended"


class Verb(StrEnum):
    """What can be asked of a leg."""

    ANSWER = "answer"
    HANG_UP = "hang_up"
    HOLD = "hold"
    RETRIEVE = "retrieve"
    MUTE = "mute"
    UNMUTE = "unmute"
    SEND_DIGITS = "send_digits"
    TRANSFER = "transfer"
    CONSULT = "consult"
    ALTERNATE = "alternate"
    COMPLETE = "complete"
    CANCEL = "cancel"
    CONFERENCE = "conference"
    ADD = "add"
    PARK = "park"
    SEND_TO_FLOW = "send_to_flow"
    TAKE_BACK = "take_back"


_LIVE = frozenset(Standing) - {Standing.ENDED}
_PAIR = frozenset({Standing.TALKING, Standing.HOLDING})
_SPEAKING = frozenset({Standing.TALKING, Standing.HOLDING, Standing.CONSULTING, Standing.CONFERRING})

LEGAL: Mapping[Verb, frozenset[Standing]] = {
    Verb.ANSWER: frozenset({Standing.RINGING}),
    Verb.HANG_UP: _LIVE,
    Verb.HOLD: frozenset({Standing.TALKING}),
    Verb.RETRIEVE: frozenset({Standing.HOLDING, Standing.WAITED_FOR}),
    Verb.MUTE: _SPEAKING,
    Verb.UNMUTE: _SPEAKING,
    Verb.SEND_DIGITS: frozenset({Standing.TALKING, Standing.CONSULTING}),
    Verb.TRANSFER: _PAIR,
    Verb.CONSULT: _PAIR,
    Verb.ALTERNATE: frozenset({Standing.CONSULTING}),
    Verb.COMPLETE: frozenset({Standing.CONSULTING}),
    Verb.CANCEL: frozenset({Standing.DIALLING, Standing.CONSULTING}),
    Verb.CONFERENCE: _PAIR | {Standing.CONSULTING},
    Verb.ADD: frozenset({Standing.CONFERRING}),
    Verb.PARK: _PAIR,
    Verb.SEND_TO_FLOW: _PAIR,
    Verb.TAKE_BACK: frozenset({Standing.AWAITING_FLOW}),
}
SUPERVISED = _SPEAKING
"""Who can be listened to."""
_NO_HANDS = frozenset({LegRole.CUSTOMER, LegRole.SUPERVISOR})
"""Legs that can only be hung up: nobody of ours controls a customer's telephone."""


def standing(leg: Leg, waiting: Collection[Leg], consult: Leg | None) -> Standing:
    """How ``leg`` stands; ``waiting`` are those who wait for it, ``consult`` is whom it dialled beside them."""
    if not leg.is_live:
        return Standing.ENDED
    if leg.answered_at is None:
        return Standing.INITIATED if leg.rang_at is None else Standing.RINGING
    if leg.supervises or leg.role is LegRole.SUPERVISOR:
        return Standing.SUPERVISING
    if leg.room:
        return Standing.CONFERRING
    if leg.is_held:
        return Standing.HOLDING
    if leg.bridged_to:
        return Standing.CONSULTING if waiting else Standing.TALKING
    return _alone(waiting, consult)


def _alone(waiting: Collection[Leg], consult: Leg | None) -> Standing:
    """How somebody stands who talks to nobody."""
    if not waiting:
        return Standing.ALONE
    if any(other.in_flow for other in waiting):
        return Standing.AWAITING_FLOW
    return Standing.DIALLING if consult is not None and consult.is_live else Standing.WAITED_FOR


def check_legal(verb: Verb, leg: Leg, stands: Standing) -> None:
    """Raises NotNow when how the leg stands does not allow it."""
    if verb is not Verb.HANG_UP and leg.role in _NO_HANDS and leg.is_live:
        raise NotNow(
            "leg.wrong_role", f"leg {leg.leg_id} is of a {leg.role}: it can only be hung up", leg_id=leg.leg_id
        )
    if stands not in LEGAL[verb]:
        allowed = ", ".join(sorted(LEGAL[verb]))
        raise NotNow(
            "leg.wrong_state",
            f"leg {leg.leg_id} is {stands}: {verb.value} is for one that is {allowed}",
            leg_id=leg.leg_id,
            state=leg.state.value,
            standing=stands.value,
        )


def check_supervised(leg: Leg, stands: Standing) -> None:
    """Raises NotNow when there is nothing to listen to."""
    if leg.role in _NO_HANDS:
        raise NotNow("leg.wrong_role", f"leg {leg.leg_id} is of a {leg.role}: name the agent's leg", leg_id=leg.leg_id)
    if stands not in SUPERVISED:
        raise NotNow(
            "leg.wrong_state", f"leg {leg.leg_id} is {stands}: nobody talks there", leg_id=leg.leg_id, standing=stands
        )


def check_digits(digits: str) -> None:
    """Raises Invalid for what no telephone can key; never repeats them, they may be secret."""
    if not _DIGITS.match(digits):
        raise Invalid("digits.invalid", "digits: 1 to 32 of 0-9 * # A-D")


def attachable(results: Mapping[str, str], secret_keys: Collection[str]) -> dict[str, str]:
    """What of a flow's results may be kept with the call: well named, not secret by name, not too long or many."""
    kept = ((key, value) for key, value in results.items() if _is_fit(key, value, secret_keys))
    return dict(list(kept)[:MOST_ITEMS])


def _is_fit(key: str, value: str, secret_keys: Collection[str]) -> bool:
    try:
        check_data({key: value}, secret_keys)
    except Invalid:
        return False
    return True


def check_identity(data: Mapping[str, str]) -> None:
    """Raises NotAllowed (data.identity) for what flows and the bank's systems alone may say of a customer."""
    for key in sorted(IDENTITY & data.keys()):
        raise NotAllowed("data.identity", f"data: {key} is found out by a flow or a system of the bank", key=key)


def check_data(data: Mapping[str, str], secret_keys: Collection[str]) -> None:
    """Raises Invalid for attached data that is too much, misnamed, or has the name of a secret (letters and digits only)."""
    if not 0 < len(data) <= MOST_ITEMS:
        raise Invalid("data.size", f"data: 1 to {MOST_ITEMS} items, not {len(data)}")
    for key, value in data.items():
        if not _KEY.match(key):
            raise Invalid("data.key", f"data: {key[:60]!r} is not a name of lower-case letters, digits, _ . -")
        if key.replace("_", "").replace("-", "").replace(".", "") in secret_keys:
            raise Invalid("data.secret", f"data: {key} may hold a secret, and secrets are never attached to a call")
        if len(value) > LONGEST_VALUE:
            raise Invalid("data.value", f"data: {key} is longer than {LONGEST_VALUE} characters")
