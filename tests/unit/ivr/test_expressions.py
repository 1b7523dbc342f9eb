"""Conditions of flows: what they can say, and what cannot even be written."""

from __future__ import annotations

import pytest

from ipcc.errors import Invalid
from services.ivr.core.expressions import is_true, names_in

KNOWN = {"amount": "6000.50", "segment": "vip", "keyed": "1234", "empty": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("number(amount) > 5000 and segment == 'vip'", True),
        ("number(amount) * 2 <= 12000", False),
        ("not (segment == 'vip') or length(keyed) == 4", True),
        ("starts(keyed, '12') and ends(keyed, '34')", True),
        ("nobody == ''", True),
        ("number(amount) == number('6000.50')", True),
        ("-number(keyed) < 0", True),
    ],
)
def test_conditions_compare_what_is_known(text: str, expected: bool) -> None:
    assert is_true(text, KNOWN) is expected


@pytest.mark.parametrize(
    "text",
    [
        "amount.__class__",
        "().__class__.__bases__[0]",
        "[x for x in amount]",
        "(lambda: 1)()",
        "__import__('os')",
        "amount[0] == '6'",
        "f'{amount}'",
        "open('x')",
        "9**9**9",
        "amount if 1 else 2",
        "number.__globals__",
        "1.5 > 1",
        "x := 1",
        "",
        "a" * 201,
        "1 +",
        "\0",
    ],
)
def test_what_leads_out_of_the_language_cannot_be_written(text: str) -> None:
    with pytest.raises(Invalid):
        names_in(text)


@pytest.mark.parametrize("text", ["number(segment) > 1", "1 / number('0') > 1", "segment > 1", "number('nan') > 1"])
def test_what_cannot_be_worked_out_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        is_true(text, KNOWN)


def test_the_variables_of_a_condition_are_known_before_it_is_asked() -> None:
    assert set(names_in("number(amount) > 5000 and starts(keyed, segment)")) == {"amount", "keyed", "segment"}
