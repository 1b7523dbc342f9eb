"""The page of events, and the AsyncAPI document, from ipcc.contracts."""

from __future__ import annotations

from typing import Any

from ipcc.cli.plan import SERVICES
from ipcc.contracts.catalogue import PAYLOADS
from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import DAY_S, TOPICS, Topic
from tools.docs_table import document, fields, meaning, page, table

REF = "#/components/schemas/{model}"


def pages() -> dict[str, str]:
    """events.md and asyncapi.json."""
    return {"events.md": _events(), "asyncapi.json": document(_asyncapi())}


def _events() -> str:
    overview = [
        (f"`{t.name}`", t.writer, str(t.partitions), _kept(t), str(len(_of(t))) if _of(t) else "") for t in TOPICS
    ]
    parts = [
        "CloudEvents 1.0 in JSON, structured mode: `id` (UUIDv7), `type`, `source` (service and replica), "
        "`subject` (the partition key), `time` (when it happened), "
        "`dataschema` (type and version), `data` as below. "
        "Unknown fields and types are passed over. A sample of each is in `tests/samples`.",
        "## Topics",
        table(("topic", "writer", "partitions", "kept", "payloads"), overview),
    ]
    for topic in TOPICS:
        if _of(topic):
            parts.append(f"## {topic.name}")
            for kind in _of(topic):
                parts += [f"### {kind.TYPE}", meaning(kind), table(_HEAD, fields(kind.model_json_schema()))]
    parts += ["## Values", *_values()]
    return page("Events and commands", *parts)


_HEAD = ("field", "holds", "default", "meaning")


def _of(topic: Topic) -> list[type[Payload]]:
    return [kind for kind in PAYLOADS.values() if topic == kind.TOPIC]


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "the last of each key"
    if topic.keep_s < DAY_S:
        return f"{topic.keep_s // 3600} h"
    return "1 day" if topic.keep_s == DAY_S else f"{topic.keep_s // DAY_S} days"


def _schemas() -> dict[str, Any]:
    """Every model by its class name, with what it refers to."""
    found: dict[str, Any] = {}
    for kind in PAYLOADS.values():
        schema = kind.model_json_schema(ref_template=REF)
        for name, inner in schema.pop("$defs", {}).items():
            if found.setdefault(name, inner) != inner:
                raise ValueError(f"two different models are called {name}")
        found[kind.__name__] = schema
    return dict(sorted(found.items()))


def _values() -> list[str]:
    """Models and lists of words that payloads refer to."""
    payloads = {kind.__name__ for kind in PAYLOADS.values()}
    parts = []
    for name, schema in _schemas().items():
        if name in payloads:
            continue
        said = str(schema.get("description", "")).replace("``", "`")
        if "enum" in schema:
            parts.append(f"**{name}**: {', '.join(f'`{word}`' for word in schema['enum'])}. {said}")
        else:
            parts += [f"**{name}**: {said}", table(_HEAD, fields(schema))]
    return parts


def _asyncapi() -> dict[str, Any]:
    messages = {kind.TYPE: _message(kind) for kind in PAYLOADS.values()}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in (t for t in TOPICS if _of(t)):
        named = {kind.TYPE: {"$ref": f"#/components/messages/{kind.TYPE}"} for kind in _of(topic)}
        channels[topic.name] = {"address": topic.name, "messages": named, "bindings": {"kafka": _binding(topic)}}
        operations[f"write.{topic.name}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{topic.name}"},
            "summary": f"written by {topic.writer}" + (" alone" if topic.writer in SERVICES else ""),
        }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "ipcc events and commands", "version": "1", "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": {**_schemas(), "Envelope": _ENVELOPE}},
    }


def _message(kind: type[Payload]) -> dict[str, Any]:
    data = {"$ref": REF.format(model=kind.__name__)}
    exact = {"type": {"const": kind.TYPE}, "dataschema": {"const": f"{kind.TYPE}.v{kind.VERSION}"}, "data": data}
    return {
        "name": kind.TYPE,
        "summary": meaning(kind).split("\n\n")[0],
        "payload": {"allOf": [{"$ref": REF.format(model="Envelope")}, {"type": "object", "properties": exact}]},
    }


def _binding(topic: Topic) -> dict[str, Any]:
    settings = {"cleanup.policy": ["compact"]} if topic.compacted else {"retention.ms": topic.keep_s * 1000}
    return {
        "topic": topic.name,
        "partitions": topic.partitions,
        "topicConfiguration": settings,
        "bindingVersion": "0.5.0",
    }


_ENVELOPE: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0, structured mode.",
    "required": ["specversion", "id", "type", "source", "subject", "time", "dataschema", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "datacontenttype": {"const": "application/json"},
        "id": {"type": "string", "format": "uuid"},
        "type": {"type": "string"},
        "source": {"type": "string"},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "dataschema": {"type": "string"},
        "data": {"type": "object"},
    },
}
