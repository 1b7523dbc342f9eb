"""Dialplan XML: what is hunted, in which order, and what a caller cannot make of it."""

from pathlib import Path

import pytest

from ipcc.sim.dialplan import DialplanError, parse_dialplan, preprocess
from tests.traces.golden import FOLDER

CONF = Path(__file__).parents[3] / "freeswitch" / "conf"


def hunt(text: str, context: str = "c", **fields: str) -> tuple[list[tuple[str, str]], dict[str, str]]:
    variables = dict(fields)
    plan = parse_dialplan(text)
    found = plan.hunt(context, lambda name: variables.get(name.strip("${}"), ""), variables.__setitem__)
    return found, variables


def plan(*extensions: str) -> str:
    return (
        "<include><context name='c'>"
        + "".join(f"<extension name='e'>{part}</extension>" for part in extensions)
        + "</context></include>"
    )


def test_the_first_extension_that_matches_is_taken() -> None:
    found, _ = hunt((FOLDER / "dialplan.xml").read_text(), "golden", destination_number="91005")
    assert found == [("bridge", "user/1005")]


def test_nothing_matches_nothing_is_done() -> None:
    assert hunt((FOLDER / "dialplan.xml").read_text(), "golden", destination_number="7777")[0] == []
    assert hunt((FOLDER / "dialplan.xml").read_text(), "nowhere", destination_number="9001")[0] == []


def test_captures_of_a_condition_go_into_its_actions() -> None:
    found, _ = hunt(
        plan("<condition field='d' expression='^(\\d)(\\d)$'><action application='a' data='$2-${1}'/></condition>"),
        d="12",
    )
    assert found == [("a", "2-1")]


def test_a_failed_condition_ends_the_extension_and_its_anti_actions_count() -> None:
    text = plan(
        "<condition field='d' expression='^1$'><action application='yes'/><anti-action application='no'/></condition>"
        "<condition><action application='rest'/></condition>"
    )
    assert hunt(text, d="1")[0] == [("yes", ""), ("rest", "")]
    assert hunt(text, d="2")[0] == [("no", "")]


FIRST = "<condition field='d' expression='^1$' break='{}'><action application='a'/></condition>"
SECOND = "<condition><action application='b'/></condition>"


def test_break_never_goes_on_and_break_on_true_stops() -> None:
    never = plan(FIRST.format("never") + SECOND)
    assert hunt(never, d="2")[0] == [("b", "")]
    on_true = plan(FIRST.format("on-true") + SECOND)
    assert hunt(on_true, d="1")[0] == [("a", "")]
    assert hunt(on_true, d="2")[0] == [("b", "")]


def test_inline_actions_are_seen_by_later_conditions() -> None:
    text = plan(
        "<condition field='d' expression='.'><action application='set' data='x=7' inline='true'/></condition>"
        "<condition field='${x}' expression='^7$'><action application='found'/></condition>"
    )
    found, variables = hunt(text, d="1")
    assert ("found", "") in found
    assert variables["x"] == "7"


def test_continue_lets_the_next_extension_add() -> None:
    text = (
        "<include><context name='c'><extension name='one' continue='true'><condition><action application='a'/></condition></extension>"
        "<extension name='two'><condition><action application='b'/></condition></extension></context></include>"
    )
    assert hunt(text)[0] == [("a", ""), ("b", "")]


def test_nested_conditions_must_hold_as_well() -> None:
    text = plan(
        "<condition field='d' expression='^1$'><condition field='e' expression='^2$'><action application='inner'/></condition>"
        "<action application='outer'/></condition>"
    )
    assert hunt(text, d="1", e="2")[0] == [("inner", ""), ("outer", "")]
    assert hunt(text, d="1", e="3")[0] == []


def test_preprocessing_sets_includes_and_replaces() -> None:
    variables: dict[str, str] = {}
    text = (
        '<X-PRE-PROCESS cmd="set" data="a=1"/><X-PRE-PROCESS cmd="set" data="b=$${a}2"/>'
        '<x y="$${b}"/><X-PRE-PROCESS cmd="include" data="d/*.xml"/>'
    )
    assert (
        preprocess(text, {"d/2.xml": "<two/>", "d/1.xml": "<one a='$${a}'/>", "e/3.xml": "<no/>"}, variables)
        == "<x y=\"12\"/><one a='1'/><two/>"
    )
    assert variables == {"a": "1", "b": "12"}


@pytest.mark.parametrize(
    "text",
    [
        "<include><context></include>",
        plan("<condition field='d' expression='('/>"),
    ],
)
def test_text_that_is_no_dialplan_is_refused(text: str) -> None:
    with pytest.raises(DialplanError):
        parse_dialplan(text)


def test_the_products_own_dialplan_is_understood() -> None:
    files = {str(path.relative_to(CONF)): path.read_text() for path in CONF.rglob("*.xml")}
    parsed = parse_dialplan(files["freeswitch.xml"], files)
    assert {"public", "phones", "safety", "suite"} <= set(parsed.contexts)
    variables = {"destination_number": "95500", "uuid": "u"}
    found = parsed.hunt("public", lambda name: variables.get(name.strip("${}"), ""), variables.__setitem__)
    assert [app for app, _ in found][-1] == "park"
    assert any("ipcc_role=customer" in data for _, data in found)
