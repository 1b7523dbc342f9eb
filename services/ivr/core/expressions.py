"""Conditions of a flow, in a small safe language: comparisons, and or not, + - * /, and the functions listed here. Pure.

The grammar is cut down to the nodes below before simpleeval sees it: no attributes, no indexes, no comprehensions, so that
what was ever found to lead out of such an evaluator cannot even be written.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from simpleeval import InvalidExpression, SimpleEval  # type: ignore[import-untyped]

from ipcc.errors import Invalid

LONGEST = 200
_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Eq, ast.NotEq, ast.Lt,
    ast.LtE, ast.Gt, ast.GtE, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Name, ast.Load, ast.Constant, ast.Call,
)  # fmt: skip


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


def names_in(text: str) -> tuple[str, ...]:
    """The variables of the expression. Raises Invalid when it is none of the language."""
    tree = _read(text)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return tuple(dict.fromkeys(name for name in names if name not in called))


def is_true(text: str, variables: Mapping[str, str]) -> bool:
    """Whether the expression holds; variables are text until ``number()`` makes them one, unknown ones are empty."""
    known = {name: variables.get(name, "") for name in names_in(text)}
    evaluator = SimpleEval(functions=dict(FUNCTIONS), names=known)
    try:
        return bool(evaluator.eval(text.strip()))
    except (InvalidExpression, ArithmeticError, TypeError) as error:
        raise Invalid("expression.failed", f"{text}: cannot be worked out ({type(error).__name__})") from error


def _read(text: str) -> ast.Expression:
    if len(text) > LONGEST:
        raise Invalid("expression.long", f"an expression has at most {LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        raise Invalid("expression.syntax", f"{text}: is no expression") from error
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise Invalid("expression.syntax", f"{text}: {type(node).__name__} is not part of the language")
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
            raise Invalid("expression.function", f"{text}: known functions are {', '.join(FUNCTIONS)}")
        if isinstance(node, ast.Constant) and not isinstance(node.value, str | int):
            raise Invalid("expression.syntax", f"{text}: write numbers with a point as number('1.5')")
    return tree
