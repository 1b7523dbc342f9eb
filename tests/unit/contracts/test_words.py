"""Facts told in words of a newer release are read by older ones; nobody tells what he does not know."""

from __future__ import annotations

from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import orjson
import pytest

from ipcc.contracts.catalogue import PAYLOADS
from ipcc.contracts.config import ConfigChanged
from ipcc.contracts.envelope import decode, encode
from ipcc.contracts.payload import Payload, enums_of, is_command, is_known, unknown_of
from ipcc.errors import Bug, InvalidMessage

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
EVERY_WORD = [(kind, name) for kind in PAYLOADS.values() for name in enums_of(kind)]
FACTS = [(kind, name) for kind, name in EVERY_WORD if not is_command(kind)]
ORDERS = [(kind, name) for kind, name in EVERY_WORD if is_command(kind)]


def told(kind: type[Payload], name: str, word: object) -> bytes:
    """The sample of ``kind`` with another word in it."""
    event = orjson.loads((SAMPLES / f"{kind.TYPE}.v{kind.VERSION}.json").read_bytes())
    event["data"][name] = word
    return orjson.dumps(event)


def kinds_within(annotation: Any) -> list[Any]:
    """Everything an annotation is made of."""
    return [annotation, *(inner for part in get_args(annotation) for inner in kinds_within(part))]


@pytest.mark.parametrize(("kind", "name"), FACTS)
def test_a_fact_in_a_word_of_a_newer_release_is_read_and_its_other_fields_are_as_told(
    kind: type[Payload], name: str
) -> None:
    read = decode(told(kind, name, "of_next_year")).data
    as_told = decode((SAMPLES / f"{kind.TYPE}.v{kind.VERSION}.json").read_bytes()).data
    assert getattr(read, name) is unknown_of(enums_of(kind)[name])
    assert getattr(read, name) == "unknown"
    assert read.model_copy(update={name: getattr(as_told, name)}) == as_told


@pytest.mark.parametrize(("kind", "name"), FACTS)
def test_what_is_no_word_at_all_is_still_wrong(kind: type[Payload], name: str) -> None:
    with pytest.raises(InvalidMessage, match=name):
        decode(told(kind, name, 7))


@pytest.mark.parametrize(("kind", "name"), ORDERS)
def test_an_order_in_an_unknown_word_is_refused_whole(kind: type[Payload], name: str) -> None:
    with pytest.raises(InvalidMessage, match=name):
        decode(told(kind, name, "of_next_year"))


@pytest.mark.parametrize(("kind", "name"), FACTS)
def test_nobody_tells_a_word_he_does_not_know(kind: type[Payload], name: str) -> None:
    event = decode(told(kind, name, "of_next_year"))
    words = enums_of(kind)[name]
    if "UNKNOWN" in words.__members__:
        # it says itself that nobody knows
        assert is_known(words["UNKNOWN"])
        return
    assert unknown_of(words) not in list(words)
    with pytest.raises(Bug, match=name):
        encode(event)


def test_words_are_fields_of_their_own_in_every_payload() -> None:
    for kind in PAYLOADS.values():
        for name, field in kind.model_fields.items():
            parts = kinds_within(field.annotation)
            within = [p for p in parts if isinstance(p, type) and issubclass(p, Enum)]
            assert within == ([enums_of(kind)[name]] if name in enums_of(kind) else []), f"{kind.TYPE}.{name}"
            # an order must be understood whole; what admin saves has rules of its own: the last good object is kept
            assert kind is ConfigChanged or is_command(kind) or Literal not in [get_origin(p) for p in parts], (
                f"{kind.TYPE}.{name}"
            )
    assert all(issubclass(enums_of(kind)[name], StrEnum) for kind, name in EVERY_WORD)
    assert len(FACTS) >= 9
