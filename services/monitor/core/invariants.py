"""The promises of the design, watched over the running system: each breach becomes an alert that says what and where to look."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ipcc.contracts.acd import AgentChanged, AgentState, EntryEnded, EntryQueued, OfferEnded, OfferMade
from ipcc.contracts.call import LegEnded, PhoneChanged
from ipcc.contracts.envelope import Event
from ipcc.contracts.recording import RecordingFailed, RecordingStored
from ipcc.contracts.tags import LegRole

# a recording is collected within seconds of the hang-up; later it is missing
RECORDING_WITHIN = timedelta(seconds=60)
REMEMBER = 20_000


@dataclass(frozen=True)
class Breach:
    """A promise that does not hold. ``key`` tells one breach from another; ``cleared`` says it holds again."""

    rule: str
    key: str
    severity: str
    text: str
    cleared: bool = False


@dataclass
class Watch:
    """What is needed to judge; bounded."""

    offers_by_entry: dict[str, str] = field(default_factory=dict)
    offers_by_agent: dict[str, str] = field(default_factory=dict)
    ended_offers: OrderedDict[str, None] = field(default_factory=OrderedDict)
    entries: set[str] = field(default_factory=set)
    ready_at: dict[str, str] = field(default_factory=dict)
    phones: dict[str, bool] = field(default_factory=dict)
    unrecorded: dict[str, datetime] = field(default_factory=dict)
    recorded: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def apply(self, event: Event) -> list[Breach]:
        """The breaches ``event`` shows."""
        take = _TABLE.get(event.type)
        return take(self, event.data, event.time) if take else []

    def look(self, now: datetime) -> list[Breach]:
        """The breaches only time shows."""
        late = [leg for leg, ended in self.unrecorded.items() if now - ended > RECORDING_WITHIN]
        for leg in late:
            del self.unrecorded[leg]
        return [
            Breach(
                "I10", leg, "critical", f"the answered agent leg {leg} has no recording: look at record and its spool"
            )
            for leg in late
        ]

    def _offered(self, data: OfferMade, at: datetime) -> list[Breach]:
        if data.offer_id in self.ended_offers:
            return []
        found = []
        earlier = self.offers_by_entry.get(data.entry_id, data.offer_id)
        if earlier != data.offer_id:
            found.append(
                Breach("I1", data.entry_id, "critical", f"entry {data.entry_id} is offered to two agents at once")
            )
        earlier = self.offers_by_agent.get(data.agent_id, data.offer_id)
        if earlier != data.offer_id:
            found.append(Breach("I2", data.agent_id, "critical", f"agent {data.agent_id} holds two offers at once"))
        self.offers_by_entry[data.entry_id] = data.offer_id
        self.offers_by_agent[data.agent_id] = data.offer_id
        return found

    def _offer_ended(self, data: OfferEnded, at: datetime) -> list[Breach]:
        self._note(self.ended_offers, data.offer_id)
        self._drop(self.offers_by_entry, data.entry_id, data.offer_id)
        self._drop(self.offers_by_agent, data.agent_id, data.offer_id)
        return []

    def _entry_queued(self, data: EntryQueued, at: datetime) -> list[Breach]:
        self.entries.add(data.entry_id)
        return []

    def _phone(self, data: PhoneChanged, at: datetime) -> list[Breach]:
        self.phones[data.phone_id] = data.registered
        return []

    def _entry_ended(self, data: EntryEnded, at: datetime) -> list[Breach]:
        if data.entry_id in self.entries:
            self.entries.discard(data.entry_id)
            return []
        text = f"entry {data.entry_id} ended in queue {data.queue_id} but was never queued, or ended twice"
        return [Breach("I6", data.entry_id, "warning", text)]

    def _agent_changed(self, data: AgentChanged, at: datetime) -> list[Breach]:
        was = self.ready_at.pop(data.agent_id, None)
        if data.state is AgentState.READY:
            self.ready_at[data.agent_id] = data.phone_id
            if self.phones.get(data.phone_id) is False:
                text = f"agent {data.agent_id} is ready but his phone {data.phone_id} is not registered"
                return [Breach("I9", data.agent_id, "warning", text)]
        elif was is not None:
            return [Breach("I9", data.agent_id, "info", "no longer ready", cleared=True)]
        return []

    def _leg_ended(self, data: LegEnded, at: datetime) -> list[Breach]:
        if data.role is LegRole.AGENT and data.offer_id and data.talk_ms > 0 and data.leg_id not in self.recorded:
            self.unrecorded[data.leg_id] = at
        return []

    def _recording(self, data: RecordingStored | RecordingFailed, at: datetime) -> list[Breach]:
        self._note(self.recorded, data.leg_id)
        self.unrecorded.pop(data.leg_id, None)
        if isinstance(data, RecordingFailed):
            return [Breach("I10", data.leg_id, "critical", f"the recording of leg {data.leg_id} is {data.reason}")]
        return []

    @staticmethod
    def _drop(held: dict[str, str], key: str, offer_id: str) -> None:
        if held.get(key) == offer_id:
            del held[key]

    @staticmethod
    def _note(seen: OrderedDict[str, None], key: str) -> None:
        seen[key] = None
        if len(seen) > REMEMBER:
            seen.popitem(last=False)


_TABLE: dict[str, Callable[[Watch, Any, datetime], list[Breach]]] = {
    OfferMade.TYPE: Watch._offered,
    OfferEnded.TYPE: Watch._offer_ended,
    EntryQueued.TYPE: Watch._entry_queued,
    EntryEnded.TYPE: Watch._entry_ended,
    AgentChanged.TYPE: Watch._agent_changed,
    PhoneChanged.TYPE: Watch._phone,
    LegEnded.TYPE: Watch._leg_ended,
    RecordingStored.TYPE: Watch._recording,
    RecordingFailed.TYPE: Watch._recording,
}
