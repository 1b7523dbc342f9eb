"""Expanding ``${name}`` and ``${name:offset:length}`` the way the switch does, and its `,`-lists with `^^:` separators. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from ipcc.esl.reading import separate

Lookup = Callable[[str], str | None]
"""The value of a variable, caller-profile field or ``command(argument)``, None if there is none."""

_SLICE = re.compile(r"^(?P<name>[^:()]+):(?P<offset>-?\d+)(?::(?P<length>-?\d+))?$")


def expand(text: str, look_up: Lookup) -> str:
    """``text`` with every ``${…}`` replaced; an unset variable is nothing; ``\\${`` stays text.

    Names are expanded first (``${a_${b}}``), values never: what a caller put into a variable is not looked at again.
    """
    out: list[str] = []
    at = 0
    while (start := text.find("${", at)) >= 0:
        if start and text[start - 1] == "\\":
            out.append(text[at : start - 1] + "${")
            at = start + 2
            continue
        end = _closing(text, start + 2)
        if end < 0:
            break
        out.append(text[at:start])
        out.append(_value(expand(text[start + 2 : end], look_up), look_up))
        at = end + 1
    out.append(text[at:])
    return "".join(out)


def _closing(text: str, at: int) -> int:
    depth = 1
    for index in range(at, len(text)):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    return -1


def _value(reference: str, look_up: Lookup) -> str:
    if cut := _SLICE.match(reference):
        return _slice(look_up(cut["name"]) or "", int(cut["offset"]), cut["length"])
    return look_up(reference) or ""


def _slice(value: str, offset: int, length: str | None) -> str:
    start = offset if offset >= 0 else max(len(value) + offset, 0)
    rest = value[start:]
    return rest if length is None or int(length) <= 0 else rest[: int(length)]


def split_list(text: str, separator: str = ",") -> list[str]:
    """The parts of a variable list; ``^^:a=1:b=2`` names its own separator; quotes and backslashes keep one in a value."""
    return separate(text, separator)


def assignments(text: str) -> list[tuple[str, str]]:
    """``a=1,b=2`` as pairs; parts without ``=`` or without a value are ignored. A value loses two layers of quotes."""
    return [(pair[0], pair[1]) for part in split_list(text) if len(pair := separate(part, "=", 2)) == 2 and pair[0]]
