"""Small expressions that people write into flows and queues: one way of reading and working them out, in dialects. Pure.

simpleeval works them out. What may stand in one is cut down first, syntax node by syntax node, so that what was ever found to lead
out of such an evaluator cannot even be written: no attributes, no indexes, no comprehensions, no powers.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import simpleeval  # type: ignore[import-untyped]

LONGEST = 500
COMPARING: tuple[type[ast.AST], ...] = (
    ast.Expression, ast.BoolOp, ast.boolop, ast.UnaryOp, ast.Not, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt,
    ast.GtE, ast.Name, ast.Load, ast.Constant,
)  # fmt: skip
"""Comparisons of names, texts and numbers, joined by ``and``, ``or``, ``not``."""
LISTS: tuple[type[ast.AST], ...] = (ast.In, ast.NotIn, ast.Is, ast.IsNot, ast.Tuple, ast.List)
"""Whether something is one of several."""
SUMS: tuple[type[ast.AST], ...] = (ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.USub)
"""``+ - * /``."""


class CannotBeRead(Exception):
    """The text is no expression of the dialect; the message says why, for people."""


class CannotBeWorkedOut(Exception):
    """The expression has no value for these names: a text compared with a number, a division by zero."""


@dataclass(frozen=True)
class Dialect:
    """What may be written. ``functions`` are the only things that can be called; ``constants`` the only kinds of value."""

    allowed: tuple[type[ast.AST], ...]
    constants: tuple[type, ...]
    functions: Mapping[str, Callable[..., object]] = field(default_factory=dict, hash=False)

    def read(self, text: str) -> Expression:
        """The expression in ``text``. Raises CannotBeRead."""
        found = _read(self, text)
        if isinstance(found, str):
            raise CannotBeRead(found)
        return found


@dataclass(frozen=True)
class Expression:
    """One that was read. ``names`` are what it asks about, in the order they stand."""

    text: str
    names: tuple[str, ...]
    tree: ast.expr = field(repr=False, compare=False)
    functions: Mapping[str, Callable[..., object]] = field(repr=False, compare=False)

    def value(self, names: Mapping[str, Any]) -> object:
        """What it comes to; ``names`` has a value for each of its names. Raises CannotBeWorkedOut; what a function raises goes on."""
        evaluator = simpleeval.EvalWithCompoundTypes(names=names, functions=dict(self.functions))
        try:
            return evaluator.eval(self.text, previously_parsed=self.tree)
        except (simpleeval.InvalidExpression, ArithmeticError, TypeError, ValueError) as error:
            raise CannotBeWorkedOut(type(error).__name__) from error


@lru_cache(maxsize=2_048)
def _read(dialect: Dialect, text: str) -> Expression | str:
    """The expression, or why it is none: both are remembered, since the same few are asked for every contact."""
    if len(text) > LONGEST:
        return f"a condition has at most {LONGEST} characters"
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"not a condition: {getattr(error, 'msg', None) or error}"
    for node in ast.walk(tree):
        problem = _problem(dialect, node)
        if problem:
            return problem
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
    return Expression(text.strip(), tuple(dict.fromkeys(names)), tree.body, dialect.functions)


def _problem(dialect: Dialect, node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        is_known = isinstance(node.func, ast.Name) and node.func.id in dialect.functions and not node.keywords
        if not dialect.functions:
            return "Call may not stand in a condition"
        return "" if is_known else f"known functions are {', '.join(dialect.functions)}"
    if not isinstance(node, dialect.allowed):
        return f"{type(node).__name__} may not stand in a condition"
    if isinstance(node, ast.Constant) and not isinstance(node.value, dialect.constants):
        return f"{node.value!r} may not stand in a condition"
    return ""
