"""Where a caller may let something be faxed: by the dial rules, and never to an emergency number or a phone of the house. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ipcc.contracts.config import DialRule
from ipcc.dialling import Reacher, Route, route_of

_NEVER = ("emergency", "internal")


def fax_route(number: str, rules: Iterable[DialRule]) -> Route:
    """Where a fax to ``number`` goes. Raises Invalid for what is no number and NotAllowed for one that the rules refuse.

    A rule for people with a role or a skill does not count: a caller has none.
    """
    known = list(rules)
    barred = [rule.model_copy(update={"allow": False}) for rule in known if rule.reach in _NEVER]
    return route_of(number, [*barred, *(rule for rule in known if rule.reach not in _NEVER)], Reacher())
