"""A flow: the document that says how callers are served, and what makes one fit to be published."""

from __future__ import annotations

from collections import deque
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ipcc.errors import Invalid
from services.ivr.core.nodes.bank import BankNode
from services.ivr.core.nodes.collect import CollectNode
from services.ivr.core.nodes.hang_up import HangUpNode
from services.ivr.core.nodes.menu import MenuNode
from services.ivr.core.nodes.play import PlayNode
from services.ivr.core.nodes.queue import QueueNode
from services.ivr.core.operations import find_faults

Node = Annotated[PlayNode | MenuNode | CollectNode | BankNode | QueueNode | HangUpNode, Field(discriminator="kind")]


class Flow(BaseModel):
    """One version of one flow. ``resume`` is where a caller goes on whose session died with a secret it needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    version: int = Field(ge=1)
    name: dict[str, str]
    languages: tuple[str, ...] = Field(min_length=1)
    start: str
    resume: str
    nodes: dict[str, Node] = Field(min_length=1)


def parse(document: object) -> Flow:
    """The flow in a JSON document. Raises Invalid naming the node and the reason."""
    try:
        flow = Flow.model_validate(document)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:10])
        raise Invalid("flow.invalid", f"the flow cannot be read: {reasons}") from error
    problems = find_problems(flow)
    if problems:
        raise Invalid("flow.invalid", f"flow {flow.id} cannot be published: " + "; ".join(problems), problems=problems)
    return flow


def find_problems(flow: Flow) -> list[str]:
    """Why ``flow`` cannot be published: unknown targets, unreachable nodes, no way to an end, secrets said aloud."""
    problems = [f"{part}: there is no node {name}" for part, name in _edges(flow) if name not in flow.nodes]
    if problems:
        return problems
    reached = _reach(flow, [flow.start, flow.resume])
    problems += [f"{name}: no way leads to it" for name in flow.nodes if name not in reached]
    ends = {n for n, node in flow.nodes.items() if isinstance(node, HangUpNode | QueueNode)}
    problems += [f"{name}: no way out to an end" for name in sorted(reached) if not ends & _reach(flow, [name])]
    secrets = {n.variable for n in flow.nodes.values() if isinstance(n, CollectNode) and n.secret}
    for name, node in flow.nodes.items():
        if isinstance(node, PlayNode):
            problems += [f"{name}: would say the secret {v} aloud" for v in node.needs() if v in secrets]
        if isinstance(node, BankNode):
            faults = find_faults(node.operation, frozenset(node.inputs), frozenset(node.outputs))
            problems += [f"{name}: {fault}" for fault in faults]
            problems += [
                f"{name}: would store an answer over the secret {v}" for v in node.outputs.values() if v in secrets
            ]
    return problems


def _edges(flow: Flow) -> list[tuple[str, str]]:
    edges = [("start", flow.start), ("resume", flow.resume)]
    for name, node in flow.nodes.items():
        edges += [(name, target) for target in node.targets()]
    return edges


def _reach(flow: Flow, starts: list[str]) -> set[str]:
    seen = set(starts)
    waiting = deque(starts)
    while waiting:
        for target in flow.nodes[waiting.popleft()].targets():
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen
