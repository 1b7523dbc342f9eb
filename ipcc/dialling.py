"""Which numbers somebody may reach, and what is dialled for them: the dial rules. Pure; everything that dials asks here.

A plan is a list of rules in order. Rules for emergency numbers are looked at first and are for everybody; of the others the
first whose pattern fits the whole number decides. What none fits is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ipcc.contracts.config import DialPlan, DialRule, Organisation
from ipcc.errors import Invalid, NotAllowed
from ipcc.units import lineage

NUMBER = re.compile(r"\+?[0-9*#]{2,24}")
"""What can be a telephone number at all."""

_ATOM = r"(?:[0-9*#.]|\\d|\\[+*#]|\[[0-9*#-]+\]|\((?:[0-9*#]+\|)*[0-9*#]+\))"
_COUNT = r"(?:\{\d{1,2}(?:,\d{0,2})?\}|[?+*])"
# a star or a plus is a quantifier behind an atom; the key * is written \* there
_PATTERN = re.compile(rf"(?:{_ATOM.replace('[0-9*#.]', '[0-9#.]')}{_COUNT}?)+")
_VARIABLE = re.compile(r"\{\d+,\d*\}|(?<!\\)[?+*](?![^\[]*\])")
_MOST_VARIABLE = 3


@dataclass(frozen=True)
class Reacher:
    """Who wants to reach a number."""

    roles: Collection[str] = ()
    skills: Collection[str] = ()


@dataclass(frozen=True)
class Route:
    """What is dialled by the rule ``rule``: through ``gateway``, or a phone of ours when that is empty."""

    gateway: str
    number: str = field(repr=False)
    rule: str = ""

    @property
    def place(self) -> str:
        """How this route is named where an agent's phone is: ``gateway/number``."""
        return f"{self.gateway}/{self.number}" if self.gateway else self.number


def is_outside(place: str) -> bool:
    """Whether an agent's place is a number outside, ``gateway/number``, instead of a phone of ours, which has no slash."""
    return "/" in place


def route_of(number: str, rules: Iterable[DialRule], who: Reacher) -> Route:
    """Where ``number`` goes for ``who``.

    Raises Invalid (number.invalid) for what is no number, and NotAllowed (dial.not_allowed) with ``rule``, the name of the
    rule that refuses it (empty: none fits), ``why`` and the sentence in Chinese.
    """
    if not NUMBER.fullmatch(number):
        raise Invalid("number.invalid", "the number: 2 to 24 digits, * and #, perhaps a + in front")
    rule = _rule_for(number, rules)
    if rule is None:
        raise _refusal("", "no_rule", "the dial rules allow no such number", "拨号规则中没有允许此号码的规则")
    if not rule.allow:
        raise _refusal(
            rule.name,
            "refused",
            f"the dial rule {rule.name!r} refuses this number",
            f"拨号规则“{rule.name}”禁止拨打此号码",
        )
    if not _is_for(rule, who):
        holders = ", ".join((*rule.roles, *rule.skills))
        raise _refusal(
            rule.name,
            "not_for_him",
            f"the dial rule {rule.name!r} is for {holders} only",
            f"拨号规则“{rule.name}”仅限具备以下角色或技能者使用: {holders}",
        )
    dialled = rule.prefix + number[rule.strip :]
    if not NUMBER.fullmatch(dialled):
        raise _refusal(
            rule.name,
            "nothing_left",
            f"the dial rule {rule.name!r} leaves nothing of this number to dial",
            f"拨号规则“{rule.name}”改写后已无可拨号码",
        )
    return Route("" if rule.reach == "internal" else rule.gateway, dialled, rule.name)


def rules_for(
    unit: str, units: Mapping[str, Organisation], plans: Iterable[DialPlan], otherwise: Sequence[DialRule]
) -> Sequence[DialRule]:
    """The rules of an organisational unit: its own plan, else that of the nearest unit above, else ``otherwise``.

    An empty or unknown ``unit`` is under the units that have none above them.
    """
    by_unit = {plan.organisation: plan for plan in plans}
    above = unit if unit in units else next((one.id for one in units.values() if one.parent is None), "")
    nearest = next((one for one in lineage(above, units) if one in by_unit), None)
    return by_unit[nearest].rules if nearest else otherwise


def is_plain(pattern: str) -> bool:
    """Whether it is a pattern that is quick to match whatever the number: digits, ``\\d``, ``.``, sets such as ``[3-9]``,
    choices such as ``(110|119)``, each perhaps repeated; and of no fixed length in at most three places."""
    if not _PATTERN.fullmatch(pattern) or len(_VARIABLE.findall(pattern)) > _MOST_VARIABLE:
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _rule_for(number: str, rules: Iterable[DialRule]) -> DialRule | None:
    fitting = [rule for rule in rules if re.fullmatch(rule.pattern, number)]
    urgent = (rule for rule in fitting if rule.reach == "emergency" and rule.allow)
    return next(urgent, fitting[0] if fitting else None)


def _is_for(rule: DialRule, who: Reacher) -> bool:
    if rule.reach == "emergency" or not (rule.roles or rule.skills):
        return True
    return not set(rule.roles).isdisjoint(who.roles) or not set(rule.skills).isdisjoint(who.skills)


def _refusal(rule: str, why: str, text: str, chinese: str) -> NotAllowed:
    return NotAllowed("dial.not_allowed", text, rule=rule, why=why, detail_zh=chinese)
