"""What we write is what the switch reads: quoting and dial strings held to `ipcc.esl.reading`, with hostile texts."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ipcc.esl.commands import Originate, OriginateMany, UuidSetVar, UuidSetVars, Words
from ipcc.esl.dialstring import Contact, Endpoint, Gateway, Loopback, SipAddress, Target, User, leg_variables
from ipcc.esl.quoting import (
    Unrenderable,
    braces_balance,
    dialable,
    display_name,
    escape,
    literal,
    presentable,
    unexpanded,
    word,
)
from ipcc.esl.reading import leading_variables, separate
from ipcc.ids import LegId

LEG = LegId("11111111-2222-3333-4444-555555555555")
HOSTILE = [
    "O'Brien",
    "'quoted'",
    '"Zhang, San" {VIP}',
    "a,b=c;d|e&f",
    "back\\slash\\",
    "\\n is no line break",
    "100%0AUnique-ID: forged",
    "张三：客户",
    "  edges  ",
    "^^;x;y",
    ":_:user/1002",
    "origination_nested_vars=true",
    "&park()",
    "<sip:x@y>",
    "[a=b]",
    "''",
    "\\",
    "\\'",
    "tab\there",
    " ",
]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=30)
nasty = st.text(st.sampled_from(list(" '\"\\,=;{}[]|:_^$&()ns%0A张")), max_size=20)
values = st.one_of(texts, nasty, st.sampled_from(HOSTILE))


def read_originate(command: str) -> tuple[dict[str, str], str, str]:
    """Variables, endpoint and application as the switch would take them from the line."""
    name, _, rest = command.partition(" ")
    assert name == "originate"
    dial_string, application = separate(rest, " ", 10)
    assert ":_:" not in dial_string
    variables, endpoint = leading_variables(dial_string)
    return variables, endpoint, application


@given(value=values)
@example("''")
@example(" ' ")
def test_a_word_is_read_back_exactly(value: str) -> None:
    assume(value)
    assert separate(f"{word(value, 'x')} next", " ") == [value, "next"]


@given(value=values, delimiter=st.sampled_from(",;=|"))
def test_an_escaped_part_is_read_back_exactly(value: str, delimiter: str) -> None:
    assume(value)
    assert separate(f"{escape(value, delimiter)}{delimiter}next", delimiter) == [value, "next"]


@given(name=values, number=values, other=values)
@example(":_:", "^^:", "\\,'")
@example("{a}", "}{", "x")
def test_variables_of_an_originate_are_read_back_exactly_or_refused_by_name(name: str, number: str, other: str) -> None:
    command = Originate(
        User("1001", "bank.example"), LEG, caller_name=name, caller_number=number, variables={"ipcc_note": other}
    )
    if any("${" in value.replace("\\", "") or not braces_balance(value) for value in (display_name(name), other)):
        with pytest.raises(Unrenderable, match=r"variable (origination_caller_id_\w+|ipcc_note) holds"):
            command.render()
        return
    line = command.render()
    variables, endpoint, application = read_originate(line)
    given_values = {
        "origination_caller_id_name": display_name(name),
        "origination_caller_id_number": dialable(number),
        "ipcc_note": other,
        "origination_uuid": LEG,
        "originate_timeout": "30",
        "ignore_early_media": "true",
    }
    assert variables == {key: value for key, value in given_values.items() if value}
    assert endpoint == "user/1001@bank.example"
    assert application == "&park()"


def test_an_ordinary_originate_reads_like_one_written_by_hand() -> None:
    command = Originate(Gateway("carrier", "13900001111"), LEG, caller_number="95500", waits_for_answer=False)
    assert command.render() == (
        f"originate {{origination_uuid={LEG},origination_caller_id_number=95500,originate_timeout=30}}"
        "sofia/gateway/carrier/13900001111 &park()"
    )


def test_an_application_with_a_blank_in_its_argument_is_quoted() -> None:
    line = Originate(User("1001"), LEG, application="socket", argument="127.0.0.1:8084 async full").render()
    assert line.endswith(" '&socket(127.0.0.1:8084 async full)'")
    assert read_originate(line)[2] == "&socket(127.0.0.1:8084 async full)"


def test_several_targets_have_a_uuid_each() -> None:
    targets = (Target(Gateway("a", "1"), LegId("leg-1")), Target(User("1001"), LegId("leg-2"), {"leg_timeout": "9"}))
    together = OriginateMany(targets, at_once=True, timeout_s=20).render()
    assert together == (
        "originate {originate_timeout=20,ignore_early_media=true}"
        "[origination_uuid=leg-1]sofia/gateway/a/1,[origination_uuid=leg-2,leg_timeout=9]user/1001 &park()"
    )
    assert "]sofia/gateway/a/1|[" in OriginateMany(targets, at_once=False).render()


@pytest.mark.parametrize("value", ["a,b", "it's", "a\\", "a]b", "{x}", "${x}", "a=b", "a|b", " a", "a:_:b", "a\nb"])
def test_a_variable_of_one_leg_must_be_plain(value: str) -> None:
    with pytest.raises(Unrenderable, match="variable note"):
        leg_variables({"note": value})


@pytest.mark.parametrize("value", ["${system rm}", "$${x}", "$\\{x}", "a\nb", "a\rb", "a\0b", "{", "}{", "\ud800"])
def test_what_no_quoting_gets_through_is_refused_and_never_repeated_in_the_message(value: str) -> None:
    with pytest.raises(Unrenderable) as refused:
        Originate(User("1001"), LEG, variables={"ipcc_note": value}).render()
    assert refused.value.details["what"] == "variable ipcc_note"
    assert value not in refused.value.message


@pytest.mark.parametrize(
    "endpoint",
    [
        User("1001 &park()"),
        User("1001,user/1002"),
        User("1001|x"),
        User("{a=b}1001"),
        User("${x}"),
        User(""),
        User("1001", "bank.example/x"),
        Gateway("carrier", "139 1"),
        Gateway("car/rier", "1"),
        Gateway("carrier", "1'2"),
        SipAddress("internal", "a,b"),
        Loopback("9\n1"),
        Contact("error/user not registered"),
        Contact("a:_:b"),
        Contact("a|b"),
    ],
)
def test_an_endpoint_with_anything_odd_is_refused(endpoint: Endpoint) -> None:
    with pytest.raises(Unrenderable):
        endpoint.render()


def test_endpoints_are_written_as_recorded() -> None:
    assert User("1001", "127.0.0.1").render() == "user/1001@127.0.0.1"
    assert SipAddress("external", "222@127.0.0.1:7081").render() == "sofia/external/222@127.0.0.1:7081"
    assert Loopback("9001", "golden").render() == "loopback/9001/golden"
    assert Contact("sofia/internal/sip:1001@127.0.0.1:6101").render() == "sofia/internal/sip:1001@127.0.0.1:6101"


def test_a_field_cannot_be_given_twice() -> None:
    with pytest.raises(Unrenderable, match="origination_uuid"):
        Originate(User("1001"), LEG, variables={"origination_uuid": "x"}).render()


@given(value=values)
def test_a_variable_set_on_a_leg_is_read_back_exactly_or_refused(value: str) -> None:
    assume(value)
    try:
        line = UuidSetVar(LEG, "note", value).render()
    except Unrenderable:
        assert "${" in value.replace("\\", "")
        return
    assert separate(line.removeprefix("uuid_setvar "), " ", 3) == [LEG, "note", value]


@given(first=values, second=values)
def test_variables_set_together_are_read_back_exactly_or_refused(first: str, second: str) -> None:
    try:
        line = UuidSetVars(LEG, {"a": first, "b": second}).render()
    except Unrenderable:
        assert any("${" in value.replace("\\", "") for value in (first, second))
        return
    rest = line.removeprefix(f"uuid_setvar_multi {LEG} ")
    assert separate(rest, ";", 64) == [f"a={first}", f"b={second}"]


@given(first=values, second=values)
def test_any_command_can_be_said_word_by_word(first: str, second: str) -> None:
    assume(first and second)
    assert separate(Words("echo", first, second).render(), " ") == ["echo", first, second]


def expand(text: str) -> str:
    """What switch_channel_expand_variables makes of an argument in which nothing may be resolved."""
    if "${" not in text and not any(f"\\{character}" in text for character in "\\nst'"):
        return text
    out, place = [], 0
    while place < len(text):
        pair = text[place : place + 2]
        assert pair != "${", "something would be resolved"
        if pair in ("\\$", "\\\\"):
            out.append(pair[1])
            place += 2
            continue
        out.append(text[place])
        place += 1
    return "".join(out)


@given(value=values)
@example("${system touch x}")
@example("\\${x}")
@example("$${x}")
@example("a\\'b ${x}")
def test_an_argument_reaches_the_application_as_it_is(value: str) -> None:
    assume(not value.startswith("%"))
    assert expand(literal(value, "x")) == value


@pytest.mark.parametrize("value", ["%[a=b]x", "%,[a=b]x"])
def test_an_argument_that_would_set_variables_is_refused(value: str) -> None:
    with pytest.raises(Unrenderable):
        literal(value, "x")


@given(value=st.one_of(values, st.text(max_size=200)))
def test_a_presentable_name_fits_every_command(value: str) -> None:
    shown = presentable(value)
    assert unexpanded(shown, "x") == shown
    if shown:
        assert read_originate(Originate(User("1001"), LEG, caller_name=shown).render())[0]
        assert "mod_event_socket" not in shown.lower()


@pytest.mark.parametrize("value", [text.strip() for text in HOSTILE if "\t" not in text and text.strip()])
def test_a_name_that_can_be_carried_is_shown_as_it_is(value: str) -> None:
    assert presentable(value) == value


def test_a_name_that_cannot_be_carried_is_shown_as_near_as_can_be() -> None:
    assert presentable("a\r\nUnique-ID: b\0") == "a Unique-ID: b"
    assert presentable("Wang} ${x") == "Wang) $ (x"
    assert presentable("reload mod_event_socket") == "reload mod event socket"
    assert len(presentable("x" * 500)) == 120


def sip_display(value: str) -> str:
    """What the switch makes of a caller's name on the way into the INVITE, and a phone of that (tried on 1.10.12)."""
    value = re.split("[/:]", value.partition("@")[0])[-1]
    return re.sub(r"\\(.)", r"\1", unquote(value))


@given(value=values)
@example("x%0AUnique-ID: b")
@example("a/b@c:d%25%2")
def test_a_phone_shows_a_callers_name_as_it_is(value: str) -> None:
    assert sip_display(display_name(value)) == value.replace('"', "'")


def test_a_callers_name_or_number_never_breaks_a_sip_header() -> None:
    line = Originate(User("1001"), LEG, caller_name="Li%0AX-Forged: 1", caller_number='1380%0A>;x="y').render()
    variables = read_originate(line)[0]
    assert variables["origination_caller_id_name"] == "Li%250AX-Forged%3A 1"
    assert variables["origination_caller_id_number"] == "13800Axy"
