"""Every measure of a flow version and its nodes, defined once.

A session counts where it began, a stay at a node where it ended; of a node every stay ends by one of its ways out, so that they
add up. Abandoned are those whose caller hung up: in the session at all, or at that node.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

HUNG_UP = "hung_up"


@dataclass(frozen=True)
class Stays:
    """Stays at one node that ended in one way: counted by the database."""

    flow_id: str
    flow_version: int
    flow_node: str
    kind: str
    outcome: str
    stays: int
    with_keys: int
    keyed: int
    timeouts: int
    elapsed_ms: int


@dataclass
class NodeFigures:
    """One node of one version. ``with_keys``: stays in which something was keyed; ``keyed`` and ``timeouts`` count each time."""

    flow_node: str
    kind: str
    exits: dict[str, int] = field(default_factory=dict)
    with_keys: int = 0
    keyed: int = 0
    timeouts: int = 0
    elapsed_ms: int = 0

    @property
    def entered(self) -> int:
        """Stays that ended in the stretch of time."""
        return sum(self.exits.values())

    @property
    def abandoned(self) -> int:
        """Callers who hung up here."""
        return self.exits.get(HUNG_UP, 0)

    @property
    def abandonment(self) -> float | None:
        """Hung up here, divided by all who were here; None when nobody was."""
        return self.abandoned / self.entered if self.entered else None

    @property
    def average_ms(self) -> int | None:
        """Mean stay; None when nobody was here."""
        return self.elapsed_ms // self.entered if self.entered else None


@dataclass
class VersionFigures:
    """One version of one flow: how its sessions ended (``""`` are those that still run), and its nodes, the busiest first."""

    flow_id: str
    version: int
    outcomes: dict[str, int] = field(default_factory=dict)
    nodes: list[NodeFigures] = field(default_factory=list)

    @property
    def sessions(self) -> int:
        """Sessions that began in the stretch of time."""
        return sum(self.outcomes.values())

    @property
    def abandonment(self) -> float | None:
        """Callers who hung up in the flow, divided by the sessions that are over; None when none is."""
        over = self.sessions - self.outcomes.get("", 0)
        return self.outcomes.get(HUNG_UP, 0) / over if over else None


def figures_of(sessions: Iterable[tuple[str, int, str, int]], stays: Iterable[Stays]) -> list[VersionFigures]:
    """Flow, version, outcome and number of sessions, and the stays at their nodes, as versions in order."""
    found: dict[tuple[str, int], VersionFigures] = {}

    def version_of(flow_id: str, version: int) -> VersionFigures:
        return found.setdefault((flow_id, version), VersionFigures(flow_id, version))

    for flow_id, version, outcome, number in sessions:
        outcomes = version_of(flow_id, version).outcomes
        outcomes[outcome] = outcomes.get(outcome, 0) + number
    nodes: dict[tuple[str, int], dict[str, NodeFigures]] = defaultdict(dict)
    for one in stays:
        known = nodes[version_of(one.flow_id, one.flow_version).flow_id, one.flow_version]
        _add(known.setdefault(one.flow_node, NodeFigures(one.flow_node, one.kind)), one)
    for key, by_name in nodes.items():
        found[key].nodes = sorted(by_name.values(), key=lambda node: (-node.entered, node.flow_node))
    return [found[key] for key in sorted(found)]


def _add(node: NodeFigures, stays: Stays) -> None:
    node.exits[stays.outcome] = node.exits.get(stays.outcome, 0) + stays.stays
    node.with_keys += stays.with_keys
    node.keyed += stays.keyed
    node.timeouts += stays.timeouts
    node.elapsed_ms += stays.elapsed_ms
