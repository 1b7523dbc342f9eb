"""The paper a customer is faxed: a title, what it is about, and a table. Pure; how it is drawn is for the shell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.ivr.core.steps import Language, Variable

MOST_ROWS = 200
LONGEST_CELL = 40
_HIDDEN = "*"

_DRAWN = {"zh": "打印时间", "en": "Printed at"}
_NOTHING = {"zh": "没有记录", "en": "no entries"}
_IN_ROWS = "0123456789.,:-+*/ ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(_Part):
    """One line above the table: what it is called, and the variable. A ``tail`` shows the last four characters only."""

    label: dict[Language, str]
    value: Variable
    shown_as: Literal["text", "tail"] = "text"


class Column(_Part):
    """One column: its heading, and whether what stands in it is a number, which goes to the right."""

    heading: dict[Language, str]
    is_number: bool = False


class Layout(_Part):
    """What stands where: ``rows`` is the variable with rows separated by ``;``, the parts of one by a blank."""

    title: dict[Language, str]
    facts: tuple[Fact, ...] = Field(default=(), max_length=8)
    rows: Variable
    columns: tuple[Column, ...] = Field(min_length=1, max_length=6)

    def letters(self) -> set[str]:
        """All that its own words are written with, and ours on it, in every language, with the digits and signs of any row."""
        texts = [*_DRAWN.values(), *_NOTHING.values(), *self.title.values()]
        for label in (*(fact.label for fact in self.facts), *(column.heading for column in self.columns)):
            texts += label.values()
        return set("".join(texts) + _IN_ROWS)

    def shows(self) -> tuple[str, ...]:
        """The variables that stand there whole."""
        return (self.rows, *(fact.value for fact in self.facts if fact.shown_as == "text"))

    def picked(self, known: Callable[[str], str | None]) -> dict[str, str]:
        """What the paper needs of all that is known, and of a tail no more than that."""
        found = {name: known(name) or "" for name in self.shows()}
        tails = {fact.value: (known(fact.value) or "")[-4:] for fact in self.facts if fact.shown_as == "tail"}
        return {**tails, **found}


@dataclass(frozen=True)
class Statement:
    """One paper: every text as it stands there. It is the customer's and in no event, log or error."""

    title: str
    facts: Sequence[tuple[str, str]] = field(repr=False)
    headings: Sequence[str]
    is_number: Sequence[bool]
    rows: Sequence[Sequence[str]] = field(repr=False)
    note: str = ""


def written(layout: Layout, known: Mapping[str, str], language: Language, moment: str) -> Statement:
    """The paper for a customer of whom ``known`` is known; ``moment`` is when, as it is to stand there.

    Rows with fewer parts than columns are filled up, more parts and rows than there is room for are cut.
    """
    facts = [(_in(fact.label, language), _fact(fact, known.get(fact.value, ""))) for fact in layout.facts]
    width = len(layout.columns)
    rows = [_row(text, width) for text in known.get(layout.rows, "").split(";") if text.strip()]
    return Statement(
        title=_in(layout.title, language),
        facts=(*facts, (_DRAWN[language], moment)),
        headings=[_in(column.heading, language) for column in layout.columns],
        is_number=[column.is_number for column in layout.columns],
        rows=rows[:MOST_ROWS],
        note="" if rows else _NOTHING[language],
    )


def _in(texts: Mapping[Language, str], language: Language) -> str:
    return texts.get(language) or next(iter(texts.values()), "")


def _fact(fact: Fact, value: str) -> str:
    shown = value[:LONGEST_CELL]
    return _HIDDEN * 4 + value[-4:] if fact.shown_as == "tail" else shown


def _row(text: str, width: int) -> list[str]:
    parts = [part[:LONGEST_CELL] for part in text.split()][:width]
    return parts + [""] * (width - len(parts))
