"""Where a session stands, in the form it has on ivr's topic: names and texts, never a secret. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# what else a flow knows is found out again
MOST_VARIABLES = 40
LONGEST_PATH = 20


@dataclass(frozen=True)
class Place:
    """All that another replica needs to go on; ``path`` ends with the node, ``since`` is when he came to it, ``movement`` what the
    bank last said of a movement."""

    variables: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    path: tuple[str, ...] = ()
    visits: int = 0
    since: datetime | None = None
    movement: str = ""


def write_place(place: Place) -> dict[str, str]:
    """The form on the topic; the names with an underscore are no variables of a flow."""
    kept = dict(list(place.variables.items())[:MOST_VARIABLES])
    since = place.since.isoformat() if place.since else ""
    path = ">".join(place.path[-LONGEST_PATH:])
    moved = {"_movement": place.movement} if place.movement else {}
    where = {"_language": place.language, "_path": path, "_visits": str(place.visits), "_since": since}
    return {**kept, **where, **moved}


def read_place(told: Mapping[str, str]) -> Place:
    """What the form says; what is missing is empty."""
    return Place(
        variables={name: value for name, value in told.items() if not name.startswith("_")},
        language=told.get("_language", ""),
        path=tuple(one for one in told.get("_path", "").split(">") if one),
        visits=int(told.get("_visits", "0")),
        since=_moment(told.get("_since", "")),
        movement=told.get("_movement", ""),
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
