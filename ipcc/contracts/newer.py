"""What this release understands of an administered object that a newer one wrote: the last resort of a reader that has never read
an older version of it. Pure.

A dial plan is never read more widely than it was written: a rule that is not understood refuses its numbers. Of anything else
the parts that are not understood are left out, so that their defaults hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import orjson
from pydantic import ValidationError

from ipcc.contracts.config import ConfigChanged, ConfigModel, DialPlan, DialRule, model_of
from ipcc.contracts.envelope import Event

# an object has so many parts that are not understood, or it is not worth reading
MOST_PARTS = 50
ANYTHING = r"[0-9+*#]+"


def salvage(raw: bytes) -> Event | None:
    """The event in ``raw`` with the object as far as it is understood; None when that is nothing."""
    try:
        found: Any = orjson.loads(raw)
        data = found["data"]
        kind = model_of(data["object"]["kind"])
        if found["type"] != ConfigChanged.TYPE or kind is None:
            return None
        known = _plan_of(data["object"]) if kind is DialPlan else _object_of(kind, data["object"])
        if known is None:
            return None
        changed = ConfigChanged(
            kind=data["kind"], object_id=data["object_id"], version=data["version"], object=known.model_dump()
        )
        return Event.model_validate({**found, "data": changed})
    except (orjson.JSONDecodeError, ValidationError, KeyError, TypeError, AttributeError):
        return None


def _object_of(kind: type[ConfigModel], value: Mapping[str, Any]) -> ConfigModel | None:
    rest: Any = deepcopy(dict(value))
    for _ in range(MOST_PARTS):
        try:
            return kind.model_validate(rest)
        except ValidationError as error:
            # the deepest and last first, so that the places of the others stay what they are
            wrong = max(error.errors(), key=lambda e: (len(e["loc"]), [str(part).zfill(6) for part in e["loc"]]))
            place = wrong["loc"][:-1] if wrong["type"] == "missing" else wrong["loc"]
            if not _remove(rest, place):
                return None
    return None


def _remove(whole: Any, place: tuple[int | str, ...]) -> bool:
    """Take out what is at ``place``, or the nearest part around it that is there. Whether there was any."""
    inner, path = whole, []
    for part in place:
        is_there = part in inner if isinstance(inner, dict) else isinstance(part, int) and part < len(inner)
        if not is_there:
            break
        path.append((inner, part))
        inner = inner[part]
        if not isinstance(inner, dict | list):
            break
    if not path:
        return False
    del path[-1][0][path[-1][1]]
    return True


def _plan_of(value: Mapping[str, Any]) -> DialPlan | None:
    plan = {name: field for name, field in value.items() if name in DialPlan.model_fields}
    return DialPlan.model_validate({**plan, "rules": [_rule_of(rule) for rule in value["rules"]]})


def _rule_of(value: Mapping[str, Any]) -> DialRule:
    """The rule; one that is not understood refuses its numbers, and all of them when not even its pattern is. Emergency stays free."""
    try:
        return DialRule.model_validate(value)
    except ValidationError:
        name, pattern = str(value.get("name", ""))[:64], value.get("pattern")
    if value.get("reach") == "emergency" and value.get("allow", True) is True:
        kept = _object_of_rule(value)
        if kept is not None:
            return kept
    try:
        return DialRule.model_validate({"name": name, "pattern": pattern, "allow": False})
    except ValidationError:
        return DialRule(name=name, pattern=ANYTHING, allow=False)


def _object_of_rule(value: Mapping[str, Any]) -> DialRule | None:
    try:
        return DialRule.model_validate({k: field for k, field in value.items() if k in DialRule.model_fields})
    except ValidationError:
        return None
