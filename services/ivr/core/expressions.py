"""Conditions of a flow: comparisons, and or not, + - * /, and the functions listed here; a dialect of ipcc.expressions. Pure.

Unlike a queue's condition one that cannot be worked out is a fault of the flow, which has a way for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from ipcc.errors import Invalid
from ipcc.expressions import COMPARING, SUMS, CannotBeRead, CannotBeWorkedOut, Dialect, Expression

LONGEST = 200


def _number(value: object) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise Invalid("expression.number", "number() was given something that is none") from None
    if not found.is_finite():
        raise Invalid("expression.number", "number() was given something that is none")
    return found


def _length(value: object) -> int:
    return len(str(value))


def _starts(value: object, beginning: object) -> bool:
    return str(value).startswith(str(beginning))


def _ends(value: object, end: object) -> bool:
    return str(value).endswith(str(end))


FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "number": _number,
    "length": _length,
    "starts": _starts,
    "ends": _ends,
}


# numbers are decimal: one with a point is written number('1.5')
_DIALECT = Dialect((*COMPARING, *SUMS), (str, int), FUNCTIONS)


def names_in(text: str) -> tuple[str, ...]:
    """The variables of the expression. Raises Invalid when it is none of the language."""
    return _read(text).names


def is_true(text: str, variables: Mapping[str, str]) -> bool:
    """Whether the expression holds; variables are text until ``number()`` makes them one, unknown ones are empty."""
    found = _read(text)
    try:
        return bool(found.value({name: variables.get(name, "") for name in found.names}))
    except CannotBeWorkedOut as error:
        raise Invalid("expression.failed", f"{text}: cannot be worked out ({error})") from error


def _read(text: str) -> Expression:
    if len(text) > LONGEST:
        raise Invalid("expression.long", f"an expression has at most {LONGEST} characters")
    try:
        return _DIALECT.read(text)
    except CannotBeRead as error:
        raise Invalid("expression.syntax", f"{text}: {error}") from error
