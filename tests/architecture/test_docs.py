"""Documents say what is so: generated pages are fresh, samples load, words and libraries are complete, decisions whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import StrEnum
from importlib.metadata import metadata

import orjson
import pytest

from ipcc.call.model import LegState
from ipcc.contracts.acd import AgentState, EntryOutcome, OfferOutcome
from ipcc.contracts.call import Direction
from ipcc.contracts.catalogue import PAYLOADS
from ipcc.contracts.envelope import Unknown, decode, encode
from ipcc.contracts.outbound import AttemptOutcome
from ipcc.contracts.recording import VoicemailOutcome, VoicemailState
from ipcc.contracts.tags import LegRole
from ipcc.contracts.topics import TOPICS
from tests.architecture.tree import read, tracked
from tools.docs import stale
from tools.docs_samples import FOLDER, name_of

DECISIONS = tracked("docs/decisions/*.md")
PARTS = ("Context.", "Decision.", "Consequences.", "Alternatives.", "Enforced by.")
MOST_WORDS = 400
SAMPLES = sorted(path.name for path in FOLDER.glob("*.json"))
WORDS: tuple[type[StrEnum], ...] = (
    AgentState,
    OfferOutcome,
    EntryOutcome,
    LegState,
    LegRole,
    Direction,
    AttemptOutcome,
    VoicemailState,
    VoicemailOutcome,
)


def test_generated_pages_are_up_to_date() -> None:
    found = stale()
    assert not found, f"stale: {', '.join(found)}; run make docs"


def test_every_payload_has_a_sample_of_its_version() -> None:
    missing = {name_of(kind) for kind in PAYLOADS.values()} - set(SAMPLES)
    assert not missing, f"no sample: {sorted(missing)}; run make docs"


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_ever_published_still_loads_and_loses_nothing(name: str) -> None:
    published = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    event = decode(orjson.dumps(published))
    assert not isinstance(event.data, Unknown), f"{published['type']} is not known any more"
    again = orjson.loads(encode(event))
    kept = dict(_leaves(again))
    lost = [place for place, value in _leaves(published) if kept.get(place, _NOTHING) != value]
    assert not lost, f"fields that are not read any more, or as something else: {lost}"


_NOTHING = object()


def _leaves(value: object, place: str = "") -> Iterable[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{place}.{name}")
    else:
        yield place, value


def test_every_payload_lies_on_a_topic_that_is_listed() -> None:
    listed = {topic.name for topic in TOPICS}
    assert {kind.TOPIC.name for kind in PAYLOADS.values()} <= listed


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.__name__)
def test_every_state_and_outcome_is_in_the_glossary(words: type[StrEnum]) -> None:
    section = re.search(rf"\(`{words.__name__}`\)(.*?)(?=\n\| \*\*|\Z)", read("docs/glossary.md"), re.DOTALL)
    assert section, f"the glossary has no section for {words.__name__}"
    listed = set(re.findall(r"^\| `(\w+)` \|", section.group(1), re.MULTILINE))
    assert listed == {word.value for word in words}


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_decision_has_all_its_parts_and_is_short(decision: str) -> None:
    text = read(decision)
    assert [part for part in PARTS if f"**{part}**" not in text] == []
    words = [word for word in text.split() if any(letter.isalnum() for letter in word)]
    assert len(words) <= MOST_WORDS, f"{len(words)} words, at most {MOST_WORDS}"
    said = text.split("**Decision.**")[1].split("\n\n")[0].strip()
    assert said.endswith("."), "the decision is one sentence"


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.rsplit("/", 1)[1][:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_library_has_a_row_with_its_licence() -> None:
    rows = {cells[0].lower(): cells[2] for cells in _rows(read("docs/decisions/0012-dependencies.md"))}
    listed = {name.strip(): licence for names, licence in rows.items() for name in names.split(",")}
    for line in read("requirements/runtime.in").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name = line.strip().split("==")[0].lower()
        assert name in listed, f"{name} has no row in docs/decisions/0012-dependencies.md"
        for licence in _licences(name.split("[")[0]):
            assert licence in listed[name], f"{name} is under {licence}, the page says {listed[name]}"


def _rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _licences(name: str) -> list[str]:
    """The names of licences the installed package declares, as the page writes them."""
    about = metadata(name)
    declared = [about[field] for field in ("License-Expression", "License") if field in about]
    said = " ".join([*declared[:1], *(about.get_all("Classifier") or [])])
    return [short for short in ("MIT", "Apache-2.0", "BSD-3", "BSD-2", "MPL-2.0") if short in said]
