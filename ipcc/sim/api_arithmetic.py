"""``expr`` and ``cond``: the switch's arithmetic and its one-line choice. Pure; nothing is ever evaluated as code."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[str, Callable[[object, object], bool]] = {"==": operator.eq, "!=": operator.ne}
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_COND = re.compile(
    r"^\s*(?P<left>.*?)\s*(?P<op>==|!=|<=|>=|<|>)\s*(?P<right>.*?)\s*\?\s*(?P<yes>.*?)\s*:\s*(?P<no>.*?)\s*$"
)
_MAX_LENGTH = 500


def calculate(text: str) -> str:
    """``expr``: numbers, + - * / % and brackets."""
    try:
        value = _value(ast.parse(text[:_MAX_LENGTH].strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError, MemoryError):
        return "-ERR"
    return f"{value:.10g}"


def choose(text: str) -> str:
    """``cond <expression> ? <when true> : <when false>``; numbers compare as numbers, anything else as text."""
    found = _COND.match(text)
    if found is None:
        return "-ERR"
    return found["yes"] if _holds(found["left"], found["op"], found["right"]) else found["no"]


def _holds(left: str, sign: str, right: str) -> bool:
    numbers = _number(left), _number(right)
    if numbers[0] is not None and numbers[1] is not None:
        return _COMPARE[sign](*numbers) if sign in _COMPARE else _ORDER[sign](numbers[0], numbers[1])
    if sign in _COMPARE:
        return _COMPARE[sign](left.strip("'\""), right.strip("'\""))
    return _ORDER[sign](len(left), len(right))


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError("not arithmetic")
