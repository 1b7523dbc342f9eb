"""What must hold of dial plans before they may take effect: each fault by the name of its rule, in English and Chinese."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ipcc.contracts.config import DialPlan, DialRule, User
from ipcc.dialling import is_plain
from services.admin.core.faults import Fault

ROLES = frozenset({"agent", "supervisor", "quality", "administrator", "auditor", "system"})


@dataclass(frozen=True)
class _Wrong:
    """What is wrong with a rule, and what to do; both languages."""

    field: str
    problem: str
    advice: str
    chinese: str


def dial_faults(objects: Mapping[tuple[str, str], object]) -> Iterator[Fault]:
    """Everything wrong with the dial plans among ``objects``."""
    plans = [one for one in objects.values() if isinstance(one, DialPlan)]
    for plan in plans:
        yield from _plan_faults(plan)
    yield from _shared_units(plans)
    for user in objects.values():
        if isinstance(user, User) and user.outside == "own" and not user.mobile:
            yield Fault(
                "user",
                user.id,
                "outside",
                "he has no mobile number of his own",
                "give mobile, or let outside be no or any",
                "没有登记本人手机号;请填写 mobile,或将 outside 设为 no 或 any",
            )


def _plan_faults(plan: DialPlan) -> Iterator[Fault]:
    times = Counter(rule.name for rule in plan.rules)
    for place, rule in enumerate(plan.rules):
        called = rule.name or f"number {place + 1}"
        for wrong in (*_name_faults(rule, times[rule.name]), *_reach_faults(rule), *_form_faults(rule)):
            problem = f"rule {called!r}: {wrong.problem}"
            chinese = f"规则“{called}”:{wrong.chinese}"
            yield Fault("dial_plan", plan.id, f"rules.{place}.{wrong.field}", problem, wrong.advice, chinese)
    if not any(rule.reach == "emergency" and rule.allow for rule in plan.rules):
        yield Fault(
            "dial_plan",
            plan.id,
            "rules",
            "no rule reaches emergency numbers",
            "add one with reach emergency, such as pattern (110|119|120|122)",
            "没有紧急号码规则;请添加 reach 为 emergency 的规则,例如 pattern (110|119|120|122)",
        )


def _name_faults(rule: DialRule, times: int) -> Iterator[_Wrong]:
    if not rule.name:
        yield _Wrong(
            "name", "it has no name", "give it one: refusals are told by it", "没有名称;请命名,拒绝时将显示该名称"
        )
    elif times > 1:
        yield _Wrong("name", "another rule has this name", "give each its own", "名称重复;请使用不同的名称")


def _reach_faults(rule: DialRule) -> Iterator[_Wrong]:
    if rule.reach == "emergency" and not rule.allow:
        yield _Wrong(
            "allow", "emergency numbers are always allowed", "leave allow out", "紧急号码必须始终允许;请去掉 allow"
        )
    if rule.reach == "emergency" and (rule.roles or rule.skills):
        yield _Wrong(
            "roles",
            "emergency numbers are for everybody",
            "leave roles and skills out",
            "紧急号码对所有人开放;请去掉 roles 和 skills",
        )
    for role in sorted(set(rule.roles) - ROLES):
        known = ", ".join(sorted(ROLES))
        yield _Wrong(
            "roles", f"there is no role {role!r}", f"use one of: {known}", f"没有角色“{role}”;可用角色: {known}"
        )


def _form_faults(rule: DialRule) -> Iterator[_Wrong]:
    if not is_plain(rule.pattern):
        yield _Wrong(
            "pattern",
            f"{rule.pattern!r} is not a pattern of a number",
            r"write digits, \d, sets such as [3-9], choices such as (110|119), {n}; ?, * and + at most three times",
            r"不是有效的号码模式;请使用数字、\d、[3-9]、(110|119)、{n},其中 ?、*、+ 最多三处",
        )


def _shared_units(plans: list[DialPlan]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for plan in plans:
        holder = first.setdefault(plan.organisation, plan.id)
        if holder != plan.id:
            yield Fault(
                "dial_plan",
                plan.id,
                "organisation",
                f"{plan.organisation!r} has the dial plan {holder} already",
                "put the rules into one plan",
                f"该机构已有拨号方案 {holder};请合并为一个方案",
            )
