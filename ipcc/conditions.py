"""Small conditions an administrator writes: over a caller's attributes (``segment == "vip"``) or an agent's levels (``english >= 5``).

simpleeval evaluates them; what may stand in one is narrowed here to comparisons, ``and``, ``or``, ``not``, ``in``, names, texts and
numbers. No calls, attributes or arithmetic: one cannot be slow, loop, or reach anything.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import simpleeval  # type: ignore[import-untyped]

_ALLOWED = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.Compare,
    ast.cmpop,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.Tuple,
    ast.List,
)


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
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"not a condition: {getattr(error, 'msg', None) or error}"
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            return f"{type(node).__name__} may not stand in a condition"
        if isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float):
            return f"{node.value!r} may not stand in a condition"
    return ""


def names_in(text: str) -> set[str]:
    """The names ``text`` asks about; it must be a condition."""
    return {node.id for node in ast.walk(ast.parse(text.strip(), mode="eval")) if isinstance(node, ast.Name)}


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
    tree = _parsed(text)
    if tree is None:
        return False
    evaluator = simpleeval.EvalWithCompoundTypes(names=names, functions={})
    try:
        return bool(evaluator.eval(text, previously_parsed=tree))
    except (simpleeval.InvalidExpression, TypeError, ValueError):
        # a text compared with a number, say: it does not hold
        return False


@lru_cache(maxsize=1_024)
def _parsed(text: str) -> Any:
    return None if problem_with(text) else simpleeval.SimpleEval.parse(text.strip())
