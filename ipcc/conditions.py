"""Small conditions an administrator writes: over a caller's attributes (``segment == "vip"``) or an agent's levels (``english >= 5``).

A dialect of ipcc.expressions: comparisons, ``and``, ``or``, ``not``, ``in``, names, texts and numbers. No calls or arithmetic: one
cannot be slow, loop, or reach anything. What cannot be compared does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipcc.expressions import COMPARING, LISTS, CannotBeRead, CannotBeWorkedOut, Dialect

_DIALECT = Dialect((*COMPARING, *LISTS), (str, int, float))


class _Names(dict[str, Any]):
    """Names and their values; one that is not there has the default."""

    def __init__(self, values: Mapping[str, Any], default: Any) -> None:
        super().__init__(values)
        self._default = default

    def __missing__(self, key: str) -> Any:
        return self._default


def problem_with(text: str) -> str:
    """Why ``text`` is not a condition; "" when it is."""
    try:
        _DIALECT.read(text)
    except CannotBeRead as error:
        return str(error)
    return ""


def names_in(text: str) -> set[str]:
    """The names ``text`` asks about; it must be a condition."""
    return set(_DIALECT.read(text).names)


def name_of(object_id: str) -> str:
    """How a skill or an attribute is written in a condition."""
    return object_id.replace("-", "_").replace(".", "_")


def has_levels(text: str, skills: Mapping[str, int]) -> bool:
    """Whether an agent with ``skills`` fulfils ``text``; a skill he lacks is at level 0."""
    return _holds(text, _Names({name_of(skill): level for skill, level in skills.items()}, 0))


def holds_for(text: str, attributes: Mapping[str, Any]) -> bool:
    """Whether ``text`` holds for a caller with ``attributes``; one he lacks is empty, one that looks like a number is one."""
    return _holds(text, _Names({name_of(key): _value(value) for key, value in attributes.items()}, ""))


def _value(given: Any) -> Any:
    if isinstance(given, str) and len(given) <= 15 and given.isascii() and given.isdecimal() and given[:1] != "0":
        return int(given)
    return given


def _holds(text: str, names: _Names) -> bool:
    try:
        return bool(_DIALECT.read(text).value(names))
    except (CannotBeRead, CannotBeWorkedOut):
        # a text compared with a number, say: it does not hold
        return False
