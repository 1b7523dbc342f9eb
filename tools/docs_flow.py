"""The page of flow nodes and the JSON schema of a flow, from the node models of ivr."""

from __future__ import annotations

from typing import Any, get_args

from services.ivr.core.flow import Flow, Node
from services.ivr.core.operations import OPERATIONS
from services.ivr.core.steps import NodeModel
from tools.docs_table import document, fields, meaning, page, table

_HEAD = ("parameter", "holds", "default", "meaning")


def pages() -> dict[str, str]:
    """flow-nodes.md and flow.schema.json."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Flow.model_json_schema()}
    return {"flow-nodes.md": _page(schema), "flow.schema.json": document(schema)}


def kinds() -> list[type[NodeModel]]:
    """Every kind of node."""
    return list(get_args(get_args(Node)[0]))


def _page(schema: dict[str, Any]) -> str:
    parts = [
        "A flow is one JSON document a version (`flows/`), checked whole before it is published: "
        "every way leads to a node, every node is reached and can end, "
        "no secret is said or overwritten. Its JSON schema: [flow.schema.json](flow.schema.json).",
        "## The document",
        meaning(Flow),
        table(_HEAD, fields(schema)),
    ]
    named: dict[str, Any] = schema.get("$defs", {})
    shown = {kind.__name__ for kind in kinds()}
    for kind in kinds():
        model = named[kind.__name__]
        rows = [row for row in fields(model) if row[0] != "`kind`"]
        parts += [f"## {model['properties']['kind']['const']}", meaning(kind)]
        parts += [table(_HEAD, rows)] if rows else ["No parameters."]
    parts.append("## Parts of parameters")
    for name, model in named.items():
        if name not in shown:
            parts += [
                f"**{name}**: {str(model.get('description', '')).replace('``', '`')}",
                table(_HEAD, fields(model)),
            ]
    parts += ["## Operations of the bank core", _operations()]
    return page("Flow nodes", *parts)


def _operations() -> str:
    rows = [
        (f"`{name}`", one.kind.value, f"`POST {one.path}`", "yes" if one.has_secret else "")
        for name, one in sorted(OPERATIONS.items())
    ]
    return table(("operation", "kind", "request", "takes a secret"), rows)
