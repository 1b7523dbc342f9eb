"""What every payload on the bus has in common."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from ipcc.contracts.topics import Topic


class Payload(BaseModel):
    """The ``data`` of an event. Unknown fields are ignored, meaning never changes in place: a change of meaning is a new version."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    TOPIC: ClassVar[Topic]
    VERSION: ClassVar[int] = 1

    def key(self) -> str:
        """The partition key: events with the same key keep their order."""
        raise NotImplementedError(type(self).__name__)


def is_command(kind: type[Payload]) -> bool:
    """Whether ``kind`` is an order, not a fact: who takes an order must understand all of it."""
    return ".command." in getattr(kind, "TYPE", "")


@cache
def enums_of(kind: type[Payload]) -> Mapping[str, type[StrEnum]]:
    """The fields of ``kind`` that hold one of a few words, each with its enum."""
    found = {name: field.annotation for name, field in kind.model_fields.items()}
    return {name: words for name, words in found.items() if isinstance(words, type) and issubclass(words, StrEnum)}


@cache
def unknown_of(words: type[StrEnum]) -> StrEnum:
    """What a reader gets for a word of a newer release: ``unknown``, which nobody can name and no table of members has.

    Where an enum has a member UNKNOWN of its own (nobody knows), it is that.
    """
    if "UNKNOWN" in words.__members__:
        return words["UNKNOWN"]
    word = str.__new__(words, "unknown")
    word._name_ = "UNKNOWN"
    word._value_ = "unknown"
    return word


def is_known(word: StrEnum) -> bool:
    """False for a word of a newer release."""
    return word.name in type(word).__members__


def not_understood(data: Payload) -> list[str]:
    """The fields of ``data`` that hold a word of a newer release."""
    return [name for name in enums_of(type(data)) if not is_known(getattr(data, name))]
