"""Legs that only carry one of another node: known by their tag from the first event that shows it, passed over until they are gone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ipcc.contracts import tags
from ipcc.esl import meaning as m
from ipcc.ids import LegId, NodeId

_HALF = re.compile(r"loopback/line-.*-b\Z")


def is_transport(variables: Mapping[str, str]) -> bool:
    """Whether a leg only carries one of another node."""
    return variables.get(tags.ROLE) == tags.TRANSPORT


@dataclass
class Carriers:
    """Those there are, by the node they are on."""

    legs: dict[LegId, NodeId] = field(default_factory=dict)
    lines: set[LegId] = field(default_factory=set)
    """Those of them that are nailed-up lines."""

    def __contains__(self, leg_id: object) -> bool:
        return leg_id in self.legs

    def add(self, node_id: NodeId, leg_id: LegId) -> None:
        """It carries one of another node."""
        self.legs[leg_id] = node_id

    def keep(self, node_id: NodeId, shown: Collection[LegId]) -> None:
        """Of a node's, those it shows are still there."""
        self.legs = {leg: node for leg, node in self.legs.items() if node != node_id or leg in shown}
        self.lines &= self.legs.keys()

    def lines_at(self, node_id: NodeId) -> list[LegId]:
        """The nailed-up lines of a node."""
        return sorted(leg for leg in self.lines if self.legs.get(leg) == node_id)

    def takes(self, node_id: NodeId, meaning: Any) -> bool:
        """Whether this is about one of them. One that came in shows what it is when its dialplan has run."""
        leg_id = meaning.leg_id
        facts = getattr(meaning, "facts", None)
        variables = facts.variables if facts is not None else getattr(meaning, "variables", {})
        # the half of a loopback that takes a line says so by its name before its dialplan says it by its tag
        is_half = facts is not None and _HALF.match(facts.address) is not None
        if is_half or is_transport(variables):
            self.add(node_id, leg_id)
            if variables.get(tags.LINE):
                self.lines.add(leg_id)
        is_one = leg_id in self.legs or getattr(meaning, "other_leg_id", leg_id) in self.legs
        if isinstance(meaning, m.LegGone):
            self.legs.pop(leg_id, None)
            self.lines.discard(leg_id)
        return is_one
