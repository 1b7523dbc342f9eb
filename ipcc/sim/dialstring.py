"""Dial strings: ``{all=1}[leg=1]sofia/gateway/x/y,user/1001|user/1002`` taken apart, and the arguments of ``originate``. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ipcc.esl.reading import separate
from ipcc.sim.variables import assignments


@dataclass(frozen=True)
class Leg:
    """One destination with the variables of its own ``[…]``."""

    endpoint: str
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DialString:
    """``groups`` are tried one after the other (``|``); the legs of a group ring together (``,``)."""

    variables: tuple[tuple[str, str], ...]
    groups: tuple[tuple[Leg, ...], ...]


def parse(text: str) -> DialString:
    """The parts of a dial string; text that is none gives legs that no endpoint accepts."""
    variables: list[tuple[str, str]] = []
    rest = text.strip()
    while rest[:1] in ("{", "<"):
        inside, rest = _bracketed(rest, "}" if rest[0] == "{" else ">")
        variables.extend(assignments(inside))
    groups = tuple(
        tuple(_leg(part) for part in _split(group, ",") if part.strip()) for group in _split(rest, "|") if group.strip()
    )
    return DialString(tuple(variables), groups)


def _leg(text: str) -> Leg:
    variables: list[tuple[str, str]] = []
    rest = text.strip()
    while rest[:1] in ("[", "{"):
        inside, rest = _bracketed(rest, "]" if rest[0] == "[" else "}")
        variables.extend(assignments(inside))
    return Leg(rest.strip(), tuple(variables))


def _bracketed(text: str, closing: str) -> tuple[str, str]:
    """What is inside the bracket that ``text`` begins with, and what follows it."""
    opening = text[0]
    depth = 0
    for index, char in enumerate(text):
        if char == opening:
            depth += 1
        elif char == closing:
            depth -= 1
            if depth == 0:
                return text[1:index], text[index + 1 :].lstrip()
    return text[1:], ""


def _split(text: str, separator: str) -> list[str]:
    """Split outside of brackets and quotes."""
    parts = []
    current = ""
    depth = 0
    quoted = False
    for char in text:
        if char == "'":
            quoted = not quoted
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        if char == separator and depth == 0 and not quoted:
            parts.append(current)
            current = ""
        else:
            current += char
    parts.append(current)
    return parts


def split_arguments(text: str) -> list[str]:
    """Arguments parted by blanks; single quotes keep blanks together; one layer of quotes and backslashes goes away (fact 37)."""
    return separate(text.strip(), " ")


def application(text: str) -> tuple[str, str]:
    """``&app(argument)`` as application and argument; a missing bracket ends the argument where the text ends."""
    name, bracket, argument = text.removeprefix("&").partition("(")
    if not bracket:
        return name, ""
    return name, argument.removesuffix(")")
