"""Markdown tables, and JSON schemas in words."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

HEAD = "Written by `make docs` from the code; a test fails when it is stale. Do not edit."


def page(title: str, *parts: str) -> str:
    """A whole page."""
    return "\n\n".join([f"# {title}", HEAD, *parts]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(text) for text in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def meaning(thing: object) -> str:
    """The docstring in Markdown."""
    return inspect.cleandoc(getattr(thing, "__doc__", None) or "").replace("``", "`")


def document(value: object) -> str:
    """JSON, the same for the same value."""
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def fields(schema: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Name, type, default and meaning of every property of an object's schema."""
    required = set(schema.get("required", ()))
    rows = []
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else _default(field)
        rows.append((f"`{name}`", kind_of(field), default, str(field.get("description", ""))))
    return rows


def _default(field: Mapping[str, Any]) -> str:
    # one that is made anew each time is not in a schema: an empty list or object
    return f"`{json.dumps(field['default'], ensure_ascii=False)}`" if "default" in field else "empty"


def kind_of(field: Mapping[str, Any]) -> str:
    """What a property may hold, in words."""
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in field:
            return " or ".join(dict.fromkeys(kind_of(part) for part in field[word]))
    if "const" in field:
        return json.dumps(field["const"])
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if field.get("type") == "array":
        return f"list of {kind_of(field.get('items', {}))}" if "items" in field else "list"
    if field.get("type") == "object":
        inner = field.get("additionalProperties")
        return f"object of {kind_of(inner)}" if isinstance(inner, Mapping) and inner else "object"
    return _plain(field)


def _plain(field: Mapping[str, Any]) -> str:
    text = str(field.get("format") or field.get("type") or "any")
    limits = {
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "to {}",
        "exclusiveMaximum": "below {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "pattern": "like `{}`",
    }
    said = [words.format(field[name]) for name, words in limits.items() if name in field]
    return " ".join([text, *said])
