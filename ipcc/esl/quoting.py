"""How a text is written so that FreeSWITCH reads back exactly that text, or why it cannot be written at all. Pure.

Three readers inside the switch matter (FreeSWITCH 1.10.12):
`switch_utils.c`, separate_string_* and cleanup_separated_string: cut at a delimiter, take off single quotes, resolve
``\\\\ \\' \\" \\n \\r \\t \\s`` and the escaped delimiter; several of them run one after the other over the same text;
`switch_channel.c`, switch_channel_expand_variables: puts variables and even results of API commands in place of ``${…}``;
`mod_event_socket.c`, parse_command: ends a command at a line break, and unloads itself when a command holds two words.
"""

from __future__ import annotations

import re

from ipcc.errors import Invalid

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:\-]*\Z")
_LINE_BREAKS = re.compile(r"[\r\n\0]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_EXPANSION = re.compile(r"\$\\*\{")
_ESCAPED_DATA = re.compile(r"\\[\\nst']")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MAX_NAME = 128
_MAX_TEXT = 64 * 1024
_MAX_SHOWN = 120
_NOT_IN_A_NUMBER = re.compile(r"[^0-9A-Za-z+*#._-]")
# Tried on 1.10.12: the switch cuts a caller's name at : / @ (switch_utils.c, switch_sanitize_number) and decodes %XX in it once
# when it writes the INVITE (mod_sofia.h, check_decode): a literal %0A would break the line of the SIP header. An escaped
# double quote is not written at all: the call fails.
_IN_DISPLAY = str.maketrans({"%": "%25", ":": "%3A", "/": "%2F", "@": "%40", "\\": "%5C%5C", '"': "'"})


class Unrenderable(Invalid):
    """A text that cannot be passed to the switch as it is; the message names it and the reason, never the text itself."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__("switch.unrenderable", f"{what} {why}", what=what, why=why)


def checked(text: str, what: str) -> str:
    """``text``, if it can stand in one line of a command. Raises Unrenderable."""
    if _LINE_BREAKS.search(text):
        raise Unrenderable(what, "holds a line break or NUL")
    if len(text) > _MAX_TEXT:
        raise Unrenderable(what, f"is longer than {_MAX_TEXT} characters")
    if _SURROGATES.search(text):
        raise Unrenderable(what, "is not valid Unicode")
    return text


def name(text: str, what: str) -> str:
    """``text``, if it is a plain name: of a variable, application, leg, queue or file format. Raises Unrenderable."""
    if len(text) > _MAX_NAME or not _NAME.match(text):
        raise Unrenderable(what, "is not a plain name")
    return text


def number(value: int, what: str, least: int = 0) -> str:
    """``value`` in digits. Raises Unrenderable when below ``least``."""
    if value < least:
        raise Unrenderable(what, f"is below {least}")
    return str(value)


def escape(text: str, delimiter: str) -> str:
    """``text`` so that one pass of the switch's separator with this (non-blank) delimiter gives it back."""
    text = text.replace("\\", "\\\\").replace("'", "\\'").replace(delimiter, "\\" + delimiter)
    return _not_a_choice(_keep_edges(text))


def word(text: str, what: str) -> str:
    """One blank-separated word of a command, whatever it holds. Raises Unrenderable: line breaks, or nothing at all."""
    if not text:
        raise Unrenderable(what, "is empty")
    escaped = checked(text, what).replace("\\", "\\\\").replace("'", "\\'")
    if " " in escaped:
        return f"'{escaped}'"
    return _not_a_choice(escaped)


def _not_a_choice(text: str) -> str:
    # ^^ at the start of a list would choose another delimiter; a pair of quotes before it is taken off again
    return f"''{text}" if text.startswith("^^") else text


def _keep_edges(text: str) -> str:
    inner = text.strip(" ")
    if not inner:
        return "\\s" * len(text)
    start = len(text) - len(text.lstrip(" "))
    end = len(text) - len(text.rstrip(" "))
    return "\\s" * start + inner + "\\s" * end


def unexpanded(text: str, what: str) -> str:
    """``text``, if the switch finds no variable in it: a stored ``${…}`` is resolved whenever it is used. Raises Unrenderable."""
    if _EXPANSION.search(text):
        raise Unrenderable(what, "holds ${, which the switch would resolve")
    return checked(text, what)


def literal(text: str, what: str) -> str:
    """An application's argument in which nothing is resolved: the application gets ``text`` itself. Raises Unrenderable."""
    checked(text, what)
    if text.startswith("%[") or (text.startswith("%") and text[2:3] == "["):
        raise Unrenderable(what, "starts with %[, which would set variables")
    if not _EXPANSION.search(text) and not _ESCAPED_DATA.search(text):
        return text
    return text.replace("\\", "\\\\").replace("$", "\\$")


def presentable(text: str) -> str:
    """A name from outside made fit for every command: as it is where that is possible, else as near as can be.

    For caller names and the like, which must be shown but never stop a call: control characters become blanks, ``${``
    loses its meaning, unbalanced braces become brackets. Cut to 120 characters.
    """
    text = _CONTROLS.sub(" ", text).strip()[:_MAX_SHOWN]
    text = _EXPANSION.sub("$ (", text) if _EXPANSION.search(text) else text
    if not braces_balance(text):
        text = text.translate({ord("{"): "(", ord("}"): ")"})
    return re.sub("mod_event_socket", "mod event socket", text, flags=re.IGNORECASE)


def display_name(text: str) -> str:
    """A caller's name so that a phone dialled by SIP shows exactly ``text``, but with single quotes for double ones."""
    return text.translate(_IN_DISPLAY)


def dialable(text: str) -> str:
    """A caller's number without what no number holds: it is written into a SIP address as it is."""
    return _NOT_IN_A_NUMBER.sub("", text)


def braces_balance(text: str) -> bool:
    """Whether ``{`` and ``}`` pair up: the switch counts them without regard to quotes (switch_find_end_paren)."""
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0
