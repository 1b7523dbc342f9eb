"""What the stand-in bank says in words: by the name a caller gives a place, in his language, and nothing for what it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from bankcore.schemas import TextAnswer, TextQuestion
from bankcore.telling import text
from ipcc.errors import NotFound


@pytest.mark.parametrize(
    ("item", "language", "part"),
    [
        ("火车站附近", "zh", "站前广场"),
        ("near the Railway station please", "en", "Station Square"),
        ("机 场", "zh", "航站楼"),
        ("", "zh", "人民路"),
    ],
)
def test_a_branch_is_found_by_what_a_caller_calls_its_place(item: str, language: Any, part: str) -> None:
    assert part in text(TextQuestion(topic="branch", item=item, language=language))


@pytest.mark.parametrize("topic", ["branch", "product", "notice"])
def test_what_is_asked_for_by_a_name_nobody_knows_is_refused(topic: Any) -> None:
    with pytest.raises(NotFound) as refused:
        text(TextQuestion(topic=topic, item="the moon"))
    assert refused.value.code == "text_not_found"


@pytest.mark.parametrize("topic", ["branch", "product", "notice"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_without_a_name_the_first_is_told_and_fits_the_contract(topic: Any, language: Any) -> None:
    assert TextAnswer(text=text(TextQuestion(topic=topic, language=language))).text
