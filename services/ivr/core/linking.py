"""Fits sub-flows into the flow that uses them, so that what is published is whole and never changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ipcc.errors import Invalid
from services.ivr.core.flow import Flow, Node
from services.ivr.core.nodes.return_ import ReturnNode
from services.ivr.core.nodes.sub_flow import SubFlowNode

DEEPEST = 5


def link(flow: Flow, parts: Mapping[str, Flow]) -> Flow:
    """``flow`` with every sub-flow of ``parts`` fitted in. Raises Invalid naming the node for an unknown or circular one."""
    nodes = _fitted(flow, parts, (flow.id,))
    return flow.model_copy(update={"nodes": nodes, "on_errors": {**flow.on_errors, **_handlers(nodes, parts)}})


def _handlers(nodes: Mapping[str, Node], parts: Mapping[str, Flow]) -> dict[str, str]:
    """The on_error of every part that has one, by the beginning of its nodes' names."""
    used = {
        name: parts[node.flow] for name, node in nodes.items() if isinstance(node, SubFlowNode) and node.flow in parts
    }
    return {f"{name}.": f"{name}.{part.on_error}" for name, part in used.items() if part.on_error}


def _fitted(flow: Flow, parts: Mapping[str, Flow], above: tuple[str, ...]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for name, node in flow.nodes.items():
        if not isinstance(node, SubFlowNode) or node.next:
            nodes[name] = node
            continue
        part = _part(name, node, parts, above)
        nodes[name] = node.model_copy(update={"next": f"{name}.{part.start}"})
        for inner, body in _fitted(part, parts, (*above, part.id)).items():
            nodes[f"{name}.{inner}"] = _placed(name, node, body)
    return nodes


def _part(name: str, node: SubFlowNode, parts: Mapping[str, Flow], above: tuple[str, ...]) -> Flow:
    part = parts.get(node.flow)
    if part is None:
        raise _wrong(name, f"there is no flow {node.flow}", f"没有流程 {node.flow}")
    if part.id in above or len(above) > DEEPEST:
        raise _wrong(name, f"flow {node.flow} leads back into itself", f"流程 {node.flow} 又进入了自身")
    missing = {n.outcome for n in part.nodes.values() if isinstance(n, ReturnNode)} - node.outcomes.keys()
    if missing:
        listed = ", ".join(sorted(missing))
        raise _wrong(name, f"has no way on for {listed}", f"没有为 {listed} 指定去向")
    return part


def _placed(name: str, user: SubFlowNode, body: Node) -> Node:
    if isinstance(body, ReturnNode) and not body.next:
        return body.model_copy(update={"next": user.outcomes[body.outcome]})
    return body.relinked(lambda target: f"{name}.{target}")


def _wrong(name: str, en: str, zh: str) -> Invalid:
    problem = {"node": name, "en": en, "zh": zh}
    return Invalid("flow.invalid", f"{name}: {en}", problems=[problem])
