"""Dial plans that must not take effect, each rule refused by its name in English and Chinese."""

from __future__ import annotations

from typing import Any

import pytest

from ipcc.contracts.config import DialPlan, DialRule, Organisation, Skill
from services.admin.core.rules import Object, faults, key_of

URGENT = DialRule(name="urgent", reach="emergency", pattern="(110|119)")


def named(*changed: Object) -> list[str]:
    """The faults of a small bank with these objects in it."""
    bank: list[Object] = [
        Organisation(id="bank", name="Bank"),
        Organisation(id="north", name="North", parent="bank"),
        Skill(id="cards", name="Cards"),
        *changed,
    ]
    return [str(fault) for fault in faults({key_of(one): one for one in bank})]


def plan(*rules: DialRule, name: str = "main", unit: str = "bank") -> DialPlan:
    return DialPlan(id=name, name=name, organisation=unit, rules=rules)


def rule(**given: Any) -> DialRule:
    return DialRule(**{"name": "mobile", "pattern": r"1[3-9]\d{9}", **given})


def test_a_plan_that_uses_everything_well_is_without_fault() -> None:
    abroad = rule(name="abroad", pattern=r"00\d{6,18}", reach="international", roles=("supervisor",), skills=("cards",))
    assert named(plan(URGENT, rule(strip=1, prefix="0086"), abroad), plan(URGENT, name="b", unit="north")) == []


@pytest.mark.parametrize(
    ("given", "english", "chinese"),
    [
        ({"name": ""}, "rules.1.name: rule 'number 2': it has no name", "规则“number 2”:没有名称"),
        ({"name": "urgent"}, "rules.1.name: rule 'urgent': another rule has this name", "规则“urgent”:名称重复"),
        ({"pattern": "(1+)*"}, "rules.1.pattern: rule 'mobile': '(1+)*' is not a pattern", "不是有效的号码模式"),
        ({"roles": ("bos",)}, "rules.1.roles: rule 'mobile': there is no role 'bos'", "没有角色“bos”"),
        ({"reach": "emergency", "allow": False}, "emergency numbers are always allowed", "紧急号码必须始终允许"),
        ({"reach": "emergency", "roles": ("agent",)}, "emergency numbers are for everybody", "紧急号码对所有人开放"),
    ],
)
def test_each_fault_names_the_rule_in_both_languages(given: dict[str, Any], english: str, chinese: str) -> None:
    found = [text for text in named(plan(URGENT, rule(**given))) if english in text]
    assert found, named(plan(URGENT, rule(**given)))
    assert found[0].startswith("dial_plan main, ")
    assert chinese in found[0]


def test_a_plan_without_emergency_numbers_is_refused() -> None:
    (found,) = named(plan(rule()))
    assert "dial_plan main, rules: no rule reaches emergency numbers" in found
    assert "没有紧急号码规则" in found


def test_a_unit_has_one_plan_and_what_a_plan_names_exists() -> None:
    (found,) = named(plan(URGENT), plan(URGENT, name="second"))
    assert "'bank' has the dial plan main already" in found
    assert named(plan(URGENT, unit="nowhere")) == [
        "dial_plan main, organisation: there is no organisation 'nowhere'; add it, or use one of: bank, north"
    ]
    assert "there is no skill 'loans'" in named(plan(URGENT, rule(skills=("loans",))))[0]
