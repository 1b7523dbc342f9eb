"""Looking at a switch: every channel it has, with the tags of those that are ours, as the core wants to compare it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ipcc.clock import Clock
from ipcc.contracts import tags
from ipcc.errors import SwitchRefused
from ipcc.esl.commands import UuidDump
from ipcc.esl.listing import dump_from_json
from ipcc.esl.meaning import ChannelRow, LegDirection, LegSnapshot
from ipcc.esl.port import SwitchNode
from ipcc.ids import LegId, NodeId
from services.acd.core.inputs import LegsSeen, SeenLeg
from services.acd.core.state import State
from services.acd.originates import OWNER


@dataclass
class Lookout:
    """Looks at nodes. A leg found not to be ours is remembered, so that it is asked about only once."""

    clock: Clock
    _strangers: dict[NodeId, set[LegId]] = field(default_factory=dict)

    async def look(self, node: SwitchNode, state: State, *, is_takeover: bool) -> LegsSeen:
        """Raises SwitchDown and WireError."""
        asked_at = self.clock.now()
        rows = {row.leg_id: row for row in await node.channels()}
        strangers = self._strangers.setdefault(node.node_id, set())
        strangers &= rows.keys()
        legs: dict[str, SeenLeg] = {}
        for leg, row in rows.items():
            if not self._may_be_ours(row, strangers):
                legs[leg] = SeenLeg(leg, is_answered=True)
                continue
            seen = await self._ask(node, row, rows, state)
            if seen is None:
                continue  # it ended while we asked
            legs[leg] = seen
            if not seen.offer_id and not seen.customer_of:
                strangers.add(leg)
        return LegsSeen(node.node_id, asked_at, legs, is_takeover)

    @staticmethod
    def _may_be_ours(row: ChannelRow, strangers: set[LegId]) -> bool:
        return row.direction == LegDirection.OUTBOUND and row.leg_id not in strangers

    async def _ask(
        self, node: SwitchNode, row: ChannelRow, rows: Mapping[LegId, ChannelRow], state: State
    ) -> SeenLeg | None:
        contact = state.contact_on(row.leg_id)
        if contact is not None and contact.leg_id in rows:
            # both parties are there: whether they talk, hold or consult is ctiserver's to know
            return SeenLeg(row.leg_id, True, contact.leg_id, row.leg_id)
        found = await self._dump(node, row.leg_id)
        if found is None:
            return None
        if found.facts.variables.get(tags.OWNER) != OWNER:
            return SeenLeg(row.leg_id, is_answered=True)
        offer_id = found.facts.variables.get(tags.OFFER_ID, "")
        is_customer = found.facts.variables.get(tags.ROLE) == tags.LegRole.CUSTOMER.value
        return SeenLeg(
            leg_id=row.leg_id,
            is_answered=found.is_answered,
            partner=await self._partner(node, found, rows),
            offer_id="" if is_customer else offer_id,
            customer_of=offer_id if is_customer else "",
        )

    async def _partner(self, node: SwitchNode, found: LegSnapshot, rows: Mapping[LegId, ChannelRow]) -> str:
        """The leg it is bridged to, believed only when that leg exists and says the same."""
        if found.partner_id is None or found.partner_id not in rows:
            return ""
        other = await self._dump(node, found.partner_id)
        return found.partner_id if other is not None and other.partner_id == found.leg_id else ""

    @staticmethod
    async def _dump(node: SwitchNode, leg: LegId) -> LegSnapshot | None:
        try:
            return dump_from_json(await node.api(UuidDump(leg)))
        except SwitchRefused:
            return None
