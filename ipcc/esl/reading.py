"""How FreeSWITCH takes a command apart: lists with quotes and backslashes, and variables in brackets. Pure.

The opposite of `quoting` and `dialstring`, which are held to it by tests, and what a simulated switch must do to be
believed. Told from `switch_utils.c` (switch_separate_string, cleanup_separated_string, switch_find_end_paren),
`switch_event.c` (switch_event_create_brackets) and `mod_commands.c` (originate_function) of 1.10.12.
"""

from __future__ import annotations

_UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", "s": " "}
_CHOOSER = "^^"
"""A list that starts so names its own delimiter: ``^^:a:b``."""


def separate(text: str, delimiter: str, limit: int = 1024) -> list[str]:
    """The parts of ``text``, each with one layer of quotes and backslashes taken off; the last holds all that is left."""
    if text.startswith(_CHOOSER) and len(text) > len(_CHOOSER) + 1:
        delimiter, text = text[2], text[3:]
    if delimiter == " ":
        return [clean(part, "") for part in _at_blanks(text, limit)]
    return [clean(part, delimiter) for part in _at(text, delimiter, limit)]


def _at(text: str, delimiter: str, limit: int) -> list[str]:
    parts: list[str] = []
    while text and len(parts) < limit - 1:
        end = _end_of_part(text, delimiter)
        parts.append(text[:end])
        text = text[end + 1 :]
    return [*parts, text] if text else parts


def _end_of_part(text: str, delimiter: str) -> int:
    is_quoted = False
    place = 0
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == "'" and (is_quoted or "'" in text[place + 1 :]):
            is_quoted = not is_quoted
        elif text[place] == delimiter and not is_quoted:
            return place
        place += 1
    return len(text)


def _at_blanks(text: str, limit: int) -> list[str]:
    parts: list[str] = []
    while text and len(parts) < limit - 1:
        end = _end_of_word(text)
        parts.append(text[:end])
        text = text[end:].lstrip(" ")
    return [*parts, text] if text else parts


def _end_of_word(text: str) -> int:
    is_quoted = False
    place = len(text) - len(text.lstrip(" "))
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == "'":  # here also a quote that never closes counts
            is_quoted = not is_quoted
        elif text[place] == " " and not is_quoted:
            return place
        place += 1
    return len(text)


def clean(text: str, delimiter: str) -> str:
    """``text`` without one layer of quotes and backslashes, and without blanks around it."""
    kept: list[str] = []
    end = 0
    is_quoted = False
    place = len(text) - len(text.lstrip(" "))
    while place < len(text):
        character = text[place]
        escaped = _escaped(text[place + 1 : place + 2], delimiter) if character == "\\" else ""
        if escaped:
            kept.append(escaped)
            end = len(kept)
            place += 1
        elif character == "'" and (is_quoted or "'" in text[place + 1 :]):
            is_quoted = not is_quoted
            end = len(kept) if is_quoted else end
        else:
            kept.append(character)
            end = len(kept) if character != " " or is_quoted else end
        place += 1
    return "".join(kept[:end])


def _escaped(character: str, delimiter: str) -> str:
    """What a backslash before ``character`` stands for; ``""``: for itself."""
    if character and character in ("'", '"', "\\", delimiter):
        return character
    return _UNESCAPED.get(character, "")


def closing(text: str, opening: str, close: str) -> int:
    """Where the bracket that ``text`` starts with ends, counting neither quotes nor backslashes; -1: never."""
    depth = 0
    for place, character in enumerate(text):
        depth += {opening: 1, close: -1}.get(character, 0)
        if depth == 0:
            return place
    return -1


def variables_in(text: str, delimiter: str = ",") -> dict[str, str]:
    """The variables between brackets (given without them): names to values."""
    if text.startswith(_CHOOSER):
        delimiter, text = text[2:3], text[3:]
    pairs = [separate(part, "=", 2) for part in separate(text, delimiter)]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def leading_variables(text: str, opening: str = "{", close: str = "}") -> tuple[dict[str, str], str]:
    """The variables in all brackets ``text`` starts with, and the rest. Raises ValueError: a bracket that never closes."""
    found: dict[str, str] = {}
    while text.startswith(opening):
        end = closing(text, opening, close)
        if end < 0:
            raise ValueError("a bracket is not closed")
        found |= variables_in(text[1:end])
        text = text[end + 1 :]
        if text.lstrip(" ").startswith(opening):
            text = text.lstrip(" ")
    return found, text.lstrip(" ")
