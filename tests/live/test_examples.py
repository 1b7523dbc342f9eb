"""The examples in ctiserver's OpenAPI document are what happens: each is run against the whole suite on the simulated switch."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcc.http.factory import create_app
from services.ctiserver.app import EXAMPLES, build
from services.ctiserver.settings import CtiSettings
from tests.live.conftest import stand
from tests.live.examples import agree, shape, tell
from tests.support.service import make_settings


def operations(folder: Path) -> dict[tuple[str, str], dict[str, object]]:
    schema = create_app(build(make_settings(CtiSettings, folder))).openapi()
    return {
        (method.upper(), path): operation
        for path, found in schema["paths"].items()
        for method, operation in found.items()
        if path.startswith("/v1/")
    }


def test_every_operation_has_an_example_and_it_stands_in_the_document(tmp_path: Path) -> None:
    known = {example.operation: example for example in EXAMPLES}
    found = operations(tmp_path)
    assert known.keys() == found.keys()
    for operation, described in found.items():
        example = known[operation]
        assert example.answer is None or str(example.answer)[:40] in str(described["responses"]), operation
        assert example.body is None or str(example.body) in str(described["requestBody"]), operation


async def test_every_example_is_what_happens(tmp_path: Path) -> None:
    async with stand("simulated", tmp_path) as bench, bench.served():
        happened = {example.operation: example for example in await tell(bench)}
    for example in EXAMPLES:
        now = happened[example.operation]
        assert (now.status, now.body, now.parameters.keys()) == (
            example.status,
            example.body,
            example.parameters.keys(),
        ), example.operation
        assert agree(shape(now.answer), shape(example.answer)), example.operation


@pytest.mark.parametrize(
    ("one", "other", "is_so"),
    [
        ({"a": 1}, {"a": 2}, True),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": None}, {"a": 1}, True),
        ({"a": []}, {"a": [1]}, True),
        ({"a": [{"b": 1}]}, {"a": [{"c": 1}]}, False),
    ],
)
def test_answers_agree_when_fields_and_kinds_do(one: object, other: object, is_so: bool) -> None:
    assert agree(shape(one), shape(other)) is is_so
