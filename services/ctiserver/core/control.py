"""Call control: which verb is legal when, and what may be attached to a call. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum

from ipcc.call.model import Leg, LegState
from ipcc.errors import Invalid, NotNow

MOST_ITEMS = 50
LONGEST_VALUE = 500
_KEY = re.compile(r"^[a-z][a-z0-9_.-]{0,39}$")
_LIVE = frozenset(LegState) - {LegState.NULL, LegState.FAILED}


class Verb(StrEnum):
    """What can be asked of a leg."""

    HANG_UP = "hang_up"
    HOLD = "hold"
    RETRIEVE = "retrieve"


LEGAL: Mapping[Verb, frozenset[LegState]] = {
    Verb.HANG_UP: _LIVE,
    Verb.HOLD: frozenset({LegState.CONNECTED}),
    Verb.RETRIEVE: frozenset({LegState.HELD}),
}
GOAL: Mapping[Verb, frozenset[LegState]] = {
    Verb.HANG_UP: frozenset({LegState.NULL, LegState.FAILED}),
    Verb.HOLD: frozenset({LegState.HELD}),
    Verb.RETRIEVE: frozenset({LegState.CONNECTED, LegState.QUEUED}),
}


def check_legal(verb: Verb, leg: Leg) -> None:
    """Raises NotNow when the leg's state does not allow it."""
    if leg.state not in LEGAL[verb]:
        allowed = ", ".join(sorted(LEGAL[verb]))
        raise NotNow(
            "leg.wrong_state",
            f"leg {leg.leg_id} is {leg.state}: {verb.value} is for one that is {allowed}",
            leg_id=leg.leg_id,
            state=leg.state.value,
        )
    if verb is Verb.HOLD and leg.bridged_to is None:
        raise NotNow("leg.wrong_state", f"leg {leg.leg_id} has nobody to put on hold", leg_id=leg.leg_id)


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
