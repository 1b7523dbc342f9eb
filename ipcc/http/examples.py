"""Examples of requests and answers in a service's OpenAPI document: written down by running them, so that they are what happens."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

JSON = "application/json"


class Example(BaseModel):
    """One request and what it was answered. ``path`` is the route's, with names in braces; ``parameters`` are those of path and query."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    path: str
    parameters: dict[str, Any] = {}
    body: Any = None
    status: int
    answer: Any = None

    @property
    def operation(self) -> tuple[str, str]:
        """The operation it is an example of."""
        return self.method, self.path


_LIST = TypeAdapter(list[Example])


def read_examples(path: Path) -> list[Example]:
    """The examples in a file. Raises ValidationError."""
    return _LIST.validate_json(path.read_bytes())


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """Put the examples into a file, in a form that shows what changed."""
    path.write_bytes(_LIST.dump_json(list(examples), indent=1) + b"\n")


def weave(schema: dict[str, Any], examples: Iterable[Example]) -> dict[str, Any]:
    """``schema`` with each example at its operation; those of operations it has not are left out."""
    for example in examples:
        operation = schema["paths"].get(example.path, {}).get(example.method.lower())
        if operation is not None:
            _put(operation, example)
    return schema


def _put(operation: dict[str, Any], example: Example) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["name"] in example.parameters:
            parameter["example"] = example.parameters[parameter["name"]]
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if content is not None and example.body is not None:
        content["examples"] = {"example": {"value": example.body}}
    answer = operation["responses"].get(str(example.status)) or operation["responses"].get("default", {})
    for kind in answer.get("content", {}).values():
        kind["examples"] = {"example": {"value": example.answer}}
