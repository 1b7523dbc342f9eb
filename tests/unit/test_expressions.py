"""Expressions in any dialect: what nobody may write, and that reading and working out are apart."""

from __future__ import annotations

import pytest

from ipcc.expressions import COMPARING, LISTS, LONGEST, SUMS, CannotBeRead, CannotBeWorkedOut, Dialect

WIDEST = Dialect((*COMPARING, *LISTS, *SUMS), (str, int, float), {"length": len})


@pytest.mark.parametrize(
    "text",
    [
        "a.__class__", "().__class__", "[x for x in a]", "{x for x in a}", "(x for x in a)", "lambda: 1", "a[0]", "a[0:1]",
        "9 ** 9", "9 // 2", "9 % 2", "1 << 9", "1 | 2", "f'{a}'", "b'a' == a", "1j == a", "None == a", "... == a", "a if b else c",
        "(a := 1)", "__import__('os')", "length.__globals__", "length(obj=a)", "(length)(a)(a)", "*a", "{'a': 1}", "await a",
        "", " ", "a ==", "\0", "(" * 400, "a" * (LONGEST + 1),
    ],
)  # fmt: skip
def test_no_dialect_lets_anybody_out_of_the_language(text: str) -> None:
    with pytest.raises(CannotBeRead):
        WIDEST.read(text)


def test_a_dialect_has_only_what_it_names() -> None:
    with pytest.raises(CannotBeRead, match="may not stand"):
        Dialect(COMPARING, (str, int)).read("a + 1 > 2")
    with pytest.raises(CannotBeRead, match="may not stand"):
        Dialect(COMPARING, (str, int)).read("a > 1.5")
    with pytest.raises(CannotBeRead, match="Call may not stand"):
        Dialect(COMPARING, (str, int)).read("length(a) > 1")


def test_what_has_no_value_is_told_apart_from_what_cannot_be_read() -> None:
    found = WIDEST.read("length(a) + b / c > 1 and a in ('x', 'y')")
    assert found.names == ("a", "b", "c")
    assert found.value({"a": "x", "b": 4, "c": 2}) is True
    for names in ({"a": "x", "b": 4, "c": 0}, {"a": "x", "b": "4", "c": 2}, {"a": 1, "b": 1, "c": 1}):
        with pytest.raises(CannotBeWorkedOut):
            found.value(names)


def test_the_same_text_is_read_once() -> None:
    assert WIDEST.read("a == 1") is WIDEST.read("a == 1")
