"""The life of a flow: what may be done to a version in which state, and which version a call meets. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from enum import StrEnum

from ipcc.errors import Invalid, NotNow

WHOLE = 100


class State(StrEnum):
    """How far a version is. Only a published one is met by callers, and it never changes again."""

    DRAFT = "draft"
    VALIDATED = "validated"
    TESTED = "tested"
    PUBLISHED = "published"


class Act(StrEnum):
    """What can be done to a version."""

    CHANGE = "change"
    VALIDATE = "validate"
    TEST = "test"
    PUBLISH = "publish"


MOVES: Mapping[tuple[State, Act], State] = {
    (State.DRAFT, Act.CHANGE): State.DRAFT,
    (State.DRAFT, Act.VALIDATE): State.VALIDATED,
    (State.VALIDATED, Act.CHANGE): State.DRAFT,
    (State.VALIDATED, Act.VALIDATE): State.VALIDATED,
    (State.VALIDATED, Act.TEST): State.TESTED,
    (State.TESTED, Act.CHANGE): State.DRAFT,
    (State.TESTED, Act.VALIDATE): State.VALIDATED,
    (State.TESTED, Act.TEST): State.TESTED,
    (State.TESTED, Act.PUBLISH): State.PUBLISHED,
}


def after(state: State, act: Act) -> State:
    """The state after ``act``. Raises NotNow: a published version never changes, and what was not tested is not published."""
    found = MOVES.get((state, act))
    if found is None:
        raise NotNow("flow.state", f"a version that is {state} cannot be taken through {act}", state=state.value)
    return found


def check_shares(shares: Mapping[int, int], published: frozenset[int]) -> None:
    """Raises Invalid unless the shares are of published versions and make up the whole of the calls."""
    for version, percent in shares.items():
        if version not in published:
            raise Invalid("flow.shares", f"version {version} is not published")
        if percent < 1:
            raise Invalid(
                "flow.shares", f"version {version} gets {percent} percent of the calls; leave it out for none"
            )
    if sum(shares.values()) != WHOLE:
        raise Invalid("flow.shares", f"the shares make up {sum(shares.values())} percent of the calls, not {WHOLE}")


def version_for(shares: Mapping[int, int], call_id: str) -> int:
    """The version this call meets: the same whoever asks and however often."""
    at = zlib.crc32(call_id.encode()) % WHOLE
    for version, percent in sorted(shares.items()):
        at -= percent
        if at < 0:
            return version
    return max(shares)
