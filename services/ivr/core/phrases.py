"""Which of several choices somebody has spoken, from the text a recogniser made of it: Chinese and English. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

# from here on a part of what was said counts as the phrase itself: one wrong letter in five
SIMILAR = 0.8
# so much more like one choice than like every other: less is a guess
LEAD = 0.1
# a word of letters and digits, or a single character of a script that is written without spaces
_WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\W\u3400-\u9fff\uf900-\ufaff_]+")
_INSIDE_WORDS = re.compile(r"['\u2019]")

Words = tuple[str, ...]


def words_of(text: str) -> Words:
    """The words of ``text`` without case, punctuation, width and spaces; each Chinese character is one."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return tuple(_WORD.findall(_INSIDE_WORDS.sub("", plain)))


def choose(text: str, choices: Mapping[str, Sequence[str]]) -> str:
    """The name of the choice whose phrase was spoken; empty when none was, or when it might be two.

    A phrase that stands in the text whole counts before one it is only like, and one before what is a part of it: "credit card
    balance" is not "balance".
    """
    said = words_of(text)
    known = {name: [words_of(phrase) for phrase in phrases] for name, phrases in choices.items()}
    whole = [(name, phrase) for name, phrases in known.items() for phrase in phrases if _holds(said, phrase)]
    if whole:
        found = {name for name, phrase in whole if not any(_is_part(phrase, other) for _, other in whole)}
        return found.pop() if len(found) == 1 else ""
    alike = {name: max((_likeness(said, phrase) for phrase in phrases), default=0.0) for name, phrases in known.items()}
    return _clearest(alike)


def _clearest(scores: Mapping[str, float]) -> str:
    """The name with the highest score, if it is high enough and far enough before the next."""
    ranked = sorted(scores.items(), key=lambda one: one[1], reverse=True)
    if not ranked or ranked[0][1] < SIMILAR:
        return ""
    is_clear = len(ranked) == 1 or ranked[0][1] - ranked[1][1] >= LEAD
    return ranked[0][0] if is_clear else ""


def _holds(said: Words, phrase: Words) -> bool:
    return bool(phrase) and phrase in _stretches(said, len(phrase))


def _is_part(phrase: Words, other: Words) -> bool:
    return phrase != other and _holds(other, phrase)


def _likeness(said: Words, phrase: Words) -> float:
    """From 0 to 1: how like the phrase the likest stretch of what was said is."""
    wanted = "".join(phrase)
    parts = ("".join(part) for part in _stretches(said, len(phrase)))
    return max(SequenceMatcher(None, part, wanted, autojunk=False).ratio() for part in parts)


def _stretches(said: Words, length: int) -> Iterator[Words]:
    for start in range(max(1, len(said) - length + 1)):
        yield said[start : start + length]
