"""The dial rules: who may reach which number, and what is dialled for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.contracts.config import DialPlan, DialRule, Organisation
from ipcc.dialling import NUMBER, Reacher, is_plain, route_of, rules_for
from ipcc.errors import Invalid, NotAllowed

RULES = (
    DialRule(name="desk", reach="internal", pattern=r"8\d{4}", strip=1),
    DialRule(name="dear", pattern=r"0900\d+", allow=False),
    DialRule(
        name="abroad",
        reach="international",
        pattern=r"00\d{5,18}",
        roles=("supervisor",),
        skills=("private",),
        strip=2,
        prefix="+",
        gateway="far",
    ),
    DialRule(name="country", reach="long_distance", pattern=r"0\d{9,13}", gateway="near"),
    DialRule(name="urgent", reach="emergency", pattern="(110|119)", gateway="near"),
)
AGENT = Reacher(("agent",), ("cards",))


def refusal(number: str, who: Reacher = AGENT) -> NotAllowed:
    with pytest.raises(NotAllowed) as refused:
        route_of(number, RULES, who)
    assert refused.value.code == "dial.not_allowed"
    assert number not in refused.value.message
    return refused.value


def test_a_number_is_rewritten_to_the_form_its_trunk_wants() -> None:
    route = route_of("0049301234567", RULES, Reacher(("supervisor",)))
    assert (route.gateway, route.number, route.rule) == ("far", "+49301234567", "abroad")
    assert "49301234567" not in repr(route)


def test_an_internal_number_is_a_phone_of_ours() -> None:
    assert (route_of("81002", RULES, AGENT).gateway, route_of("81002", RULES, AGENT).number) == ("", "1002")


def test_one_of_the_roles_or_one_of_the_skills_is_enough() -> None:
    for who in (Reacher(("agent", "supervisor")), Reacher((), ("private",))):
        assert route_of("0049301234567", RULES, who).rule == "abroad"


def test_the_first_rule_that_fits_decides_even_if_a_later_one_would_allow_it() -> None:
    found = refusal("0049301234567")
    assert found.details["rule"] == "abroad"
    assert found.details["why"] == "not_for_him"
    assert "supervisor" in found.message
    assert "abroad" in found.details["detail_zh"]
    assert refusal("0900123456").details["rule"] == "dear"
    assert refusal("13800000001").details == {
        "rule": "",
        "why": "no_rule",
        "detail_zh": "拨号规则中没有允许此号码的规则",
    }


def test_an_emergency_number_is_everybodys_whatever_stands_before_it() -> None:
    rules = (DialRule(name="nothing", pattern=".*", allow=False), *RULES)
    assert route_of("110", rules, Reacher()).rule == "urgent"


def test_a_rule_that_leaves_no_number_refuses() -> None:
    with pytest.raises(NotAllowed) as refused:
        route_of("955", [DialRule(name="short", pattern=r"\d+", strip=9)], AGENT)
    assert (refused.value.details["rule"], refused.value.details["why"]) == ("short", "nothing_left")


@pytest.mark.parametrize("number", ["955\n", "1" * 30, "", "1", "1,2", "a@b", "138{x=y}", "${uuid}", "一三八"])
def test_what_is_no_number_is_refused_before_any_rule_is_asked(number: str) -> None:
    with pytest.raises(Invalid) as refused:
        route_of(number, [DialRule(pattern=".*")], AGENT)
    assert refused.value.code == "number.invalid"


@given(st.text(alphabet="0123456789*#+a\n{} ", max_size=26), st.booleans())
def test_whatever_is_asked_for_what_is_dialled_is_a_number(number: str, leads: bool) -> None:
    rules = (DialRule(name="all", pattern=".*", strip=3 if leads else 0, prefix="0086" if leads else ""),)
    try:
        route = route_of(number, rules, AGENT)
    except (Invalid, NotAllowed):
        return
    assert NUMBER.fullmatch(route.number)


@pytest.mark.parametrize(
    "pattern",
    [r"1[3-9]\d{9}", r"0\d{9,11}", "00.*", "(110|119|120)", r"\+86\d{11}", r"\*\d\d", "#1", r"95\d?5?"],
)
def test_patterns_of_numbers_are_plain(pattern: str) -> None:
    assert is_plain(pattern)


@pytest.mark.parametrize(
    "pattern",
    [r"(\d+)+1", r"\d*\d*\d*\d*1", "(a|b)", "[", "(1", "", "(1+)*", "1[9-0]", r"\d{3,2}", "1|2", "^1$", "(?=1)1"],
)
def test_a_pattern_that_could_take_long_or_means_more_than_digits_is_not_plain(pattern: str) -> None:
    assert not is_plain(pattern)


def test_a_unit_without_a_plan_has_that_of_the_nearest_unit_above() -> None:
    units = {
        one.id: one
        for one in (
            Organisation(id="bank", name="Bank"),
            Organisation(id="north", name="North", parent="bank"),
            Organisation(id="desk", name="Desk", parent="north"),
            Organisation(id="south", name="South", parent="bank"),
        )
    }
    whole = DialPlan(id="whole", name="Whole", organisation="bank", rules=RULES[:1])
    north = DialPlan(id="north", name="North", organisation="north", rules=RULES[1:2])
    assert rules_for("desk", units, (whole, north), RULES) == north.rules
    assert rules_for("south", units, (whole, north), RULES) == whole.rules
    assert rules_for("", units, (whole, north), RULES) == whole.rules
    assert rules_for("gone", units, (whole, north), RULES) == whole.rules
    assert rules_for("south", units, (north,), RULES) == RULES
    assert rules_for("a", {"a": Organisation(id="a", name="A", parent="a")}, (), RULES) == RULES
