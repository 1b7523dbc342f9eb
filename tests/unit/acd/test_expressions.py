"""Conditions administrators write: what they mean, and what may not stand in one."""

from __future__ import annotations

import pytest

from ipcc.conditions import has_levels, holds_for, names_in, problem_with


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("english >= 5", True),
        ("german >= 3", False),
        ("german >= 3 or english >= 5 and loans >= 1", True),
        ("not german", True),
        ("card_service == 2", True),
        ("french < 1", True),
    ],
)
def test_levels_are_asked_by_the_name_of_the_skill_and_one_he_lacks_is_zero(text: str, expected: bool) -> None:
    assert has_levels(text, {"english": 7, "loans": 1, "card-service": 2}) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('segment == "vip"', True),
        ('segment in ("vip", "private")', True),
        ("balance >= 500000", True),
        ('city == "Shanghai"', False),
        ("segment > 3", False),
        ('account == "0012"', True),
        ("balance >= 500000 and", False),
    ],
)
def test_attributes_of_a_caller_are_texts_or_numbers(text: str, expected: bool) -> None:
    assert holds_for(text, {"segment": "vip", "balance": "600000", "account": "0012"}) is expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "english.bit_length()",
        "english.__class__",
        "9 ** 9 ** 9",
        "'a' * 1000000000",
        "[x for x in (1, 2)]",
        "lambda: 1",
        "f'{english}'",
        "(english := 3)",
        "b'x' == 1",
        "",
        "english >=",
        "(" * 300,
    ],
)
def test_nothing_else_may_stand_in_one(text: str) -> None:
    assert problem_with(text)
    assert not has_levels(text, {"english": 9})


def test_the_names_it_asks_about_are_known() -> None:
    assert names_in("english >= 5 or (german >= 3 and not loans)") == {"english", "german", "loans"}
