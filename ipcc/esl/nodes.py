"""All switches of one service: their nodes, who is told when one comes or goes, and starting and stopping them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ipcc.clock import Clock
from ipcc.errors import NotFound
from ipcc.esl.link import Connect
from ipcc.esl.node import ConnectedNode, NodeTimes
from ipcc.esl.port import NodeAddress, SubscriptionPlan, SwitchNode
from ipcc.ids import NodeId
from ipcc.tasks import Tasks


class Nodes:
    """The `Switches` port on real links."""

    def __init__(
        self,
        addresses: Iterable[NodeAddress],
        plan: SubscriptionPlan,
        connect: Connect,
        clock: Clock,
        times: NodeTimes | None = None,
    ) -> None:
        found = [ConnectedNode(address, plan, connect, clock, times) for address in addresses]
        self._nodes = {node.node_id: node for node in found}

    def start(self, tasks: Tasks) -> None:
        """Connect in the background and stay connected for as long as ``tasks`` run."""
        for node in self._nodes.values():
            tasks.spawn(f"switch {node.node_id}", node.run)

    def node(self, node_id: NodeId) -> SwitchNode:
        return self.connected(node_id)

    def connected(self, node_id: NodeId) -> ConnectedNode:
        """The same node with its counters. Raises NotFound."""
        try:
            return self._nodes[node_id]
        except KeyError:
            raise NotFound("switch.unknown_node", f"there is no node {node_id}", node_id=node_id) from None

    def nodes(self) -> list[SwitchNode]:
        return list(self._nodes.values())

    def on_up(self, callback: Callable[[SwitchNode], None]) -> None:
        for node in self._nodes.values():
            node.on_up.append(callback)

    def on_down(self, callback: Callable[[SwitchNode], None]) -> None:
        for node in self._nodes.values():
            node.on_down.append(callback)
