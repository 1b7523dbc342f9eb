"""The promises of the design, watched over the running system: each breach becomes an alert that says what and where to look."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ipcc.contracts.acd import (
    AgentChanged,
    AgentState,
    ContactHandled,
    EntryEnded,
    EntryQueued,
    OfferEnded,
    OfferMade,
    OfferOutcome,
)
from ipcc.contracts.alert import Severity
from ipcc.contracts.call import LegEnded, LegStarted, PhoneChanged
from ipcc.contracts.config import VOICE, Strategy
from ipcc.contracts.envelope import Event
from ipcc.contracts.recording import RecordingFailed, RecordingStored, VoicemailChanged
from ipcc.contracts.tags import LegRole
from services.monitor.core.voicemails import Voicemails

# a recording is collected within seconds of the hang-up; later it is missing
RECORDING_WITHIN = timedelta(seconds=60)
# acd hears of a phone that is gone at the same time, and takes the agent out of ready
PHONE_WITHIN = timedelta(seconds=10)
REMEMBER = 20_000
# a queue's strategy, as acd names it in the reason of an offer
RING_ALL: Strategy = "ring_all"
VOICEMAIL_OVERDUE = "voicemail_overdue"
# an agent, and a medium
Hands = tuple[str, str]


@dataclass(frozen=True)
class Breach:
    """A promise that does not hold. ``key`` tells one breach from another; ``cleared`` says it holds again."""

    rule: str
    key: str
    severity: Severity
    text: str
    cleared: bool = False


@dataclass
class Watch:
    """What is needed to judge; bounded. Takes each event once."""

    offers_by_entry: dict[str, set[str]] = field(default_factory=dict)
    # of those: the offers of a queue that rings all who fit at once
    ringing_all: dict[str, str] = field(default_factory=dict)
    # what an agent holds of a medium: offers, then the entries he serves, until his work on them is done
    held: dict[Hands, set[str]] = field(default_factory=dict)
    most: dict[Hands, int] = field(default_factory=dict)
    ended_offers: OrderedDict[str, None] = field(default_factory=OrderedDict)
    entries: set[str] = field(default_factory=set)
    ready: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    silent_phones: dict[str, datetime] = field(default_factory=dict)
    unrecorded: dict[str, datetime] = field(default_factory=dict)
    recorded: OrderedDict[str, None] = field(default_factory=OrderedDict)
    late: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Legs whose recording was missed: one that comes after all clears the alert."""
    voicemails: Voicemails = field(default_factory=Voicemails)
    neglected: set[str] = field(default_factory=set)
    """Queues with voicemails that nobody took in time."""

    def apply(self, event: Event) -> list[Breach]:
        """The breaches ``event`` shows."""
        take = _TABLE.get(event.type)
        return take(self, event.data, event.time) if take else []

    def look(self, now: datetime) -> list[Breach]:
        """The breaches only time shows; ask once all that was told has been read."""
        return [*self._missing_recordings(now), *self._ready_without_phone(now), *self._overdue_voicemails(now)]

    def _overdue_voicemails(self, now: datetime) -> list[Breach]:
        found = []
        for queue_id, line in self.voicemails.lines.items():
            number = line.overdue(now)
            if number and queue_id not in self.neglected:
                self.neglected.add(queue_id)
                text = _neglected(queue_id, number)
                found.append(Breach(VOICEMAIL_OVERDUE, queue_id, Severity.WARNING, text))
            elif not number and queue_id in self.neglected:
                self.neglected.discard(queue_id)
                found.append(Breach(VOICEMAIL_OVERDUE, queue_id, Severity.INFO, "all taken", cleared=True))
        return found

    def _missing_recordings(self, now: datetime) -> list[Breach]:
        late = [leg for leg, ended in self.unrecorded.items() if now - ended > RECORDING_WITHIN]
        for leg in late:
            del self.unrecorded[leg]
            self._note(self.late, leg)
        text = "the answered agent leg {} has no recording: look at record and its spool"
        return [Breach("I10", leg, Severity.CRITICAL, text.format(leg)) for leg in late]

    def _ready_without_phone(self, now: datetime) -> list[Breach]:
        found = []
        for agent, (phone, since) in self.ready.items():
            silent_since = self.silent_phones.get(phone)
            # agents and phones are told on two topics, and acd needs a moment to move him
            if silent_since is not None and now - max(since, silent_since) > PHONE_WITHIN:
                text = f"agent {agent} is ready but his phone {phone} is not registered"
                found.append(Breach("I9", agent, Severity.WARNING, text))
        return found

    def _offered(self, data: OfferMade, at: datetime) -> list[Breach]:
        if data.offer_id in self.ended_offers:
            return []
        found = []
        to_entry = self.offers_by_entry.setdefault(data.entry_id, set())
        to_entry.add(data.offer_id)
        if data.why.get("rule") == RING_ALL:
            self.ringing_all[data.offer_id] = data.queue_id
        if len(to_entry) > 1 and not self._is_rung_with_all(to_entry):
            text = f"entry {data.entry_id} is offered to {len(to_entry)} agents at once"
            found.append(Breach("I1", data.entry_id, Severity.CRITICAL, text))
        return [*found, *self._give(data)]

    def _give(self, data: OfferMade) -> list[Breach]:
        hands = (data.agent_id, data.medium)
        self.most[hands] = data.capacity
        held = self.held.setdefault(hands, set())
        held.add(data.offer_id)
        if len(held) <= data.capacity:
            return []
        text = f"agent {data.agent_id} holds {len(held)} offers and contacts of {data.medium}, {data.capacity} at most"
        return [Breach("I2", _name(hands), Severity.CRITICAL, text)]

    def _put_down(self, hands: Hands, what: str) -> list[Breach]:
        held = self.held.get(hands, set())
        most = self.most.get(hands, 1)
        was_broken = len(held) > most
        held.discard(what)
        if not held:
            self.held.pop(hands, None)
            self.most.pop(hands, None)
        is_mended = was_broken and len(held) <= most
        return (
            [Breach("I2", _name(hands), Severity.INFO, "within his capacity again", cleared=True)] if is_mended else []
        )

    def _handled(self, data: ContactHandled, at: datetime) -> list[Breach]:
        return self._put_down((data.agent_id, data.medium), data.entry_id)

    def _is_rung_with_all(self, offers: set[str]) -> bool:
        """Whether one queue rings all on purpose; its rule comes with the offer, so that it is known as early."""
        return None not in (queues := {self.ringing_all.get(offer_id) for offer_id in offers}) and len(queues) == 1

    def _offer_ended(self, data: OfferEnded, at: datetime) -> list[Breach]:
        self._note(self.ended_offers, data.offer_id)
        self.ringing_all.pop(data.offer_id, None)
        return [
            *_withdraw("I1", self.offers_by_entry, data.entry_id, data.offer_id),
            *self._pass_on(data),
        ]

    def _pass_on(self, data: OfferEnded) -> list[Breach]:
        """An offer that was answered becomes a contact in the same hands; any other is gone from them."""
        hands = (data.agent_id, data.medium)
        held = self.held.get(hands)
        if data.outcome is OfferOutcome.ANSWERED and held is not None and data.offer_id in held:
            held.remove(data.offer_id)
            held.add(data.entry_id)
            return []
        return self._put_down(hands, data.offer_id)

    def _entry_queued(self, data: EntryQueued, at: datetime) -> list[Breach]:
        self.entries.add(data.entry_id)
        return []

    def _phone(self, data: PhoneChanged, at: datetime) -> list[Breach]:
        if not data.registered:
            self.silent_phones.setdefault(data.phone_id, at)
            return []
        self.silent_phones.pop(data.phone_id, None)
        return [_ready_is_fine(agent) for agent, (phone, _) in self.ready.items() if phone == data.phone_id]

    def _entry_ended(self, data: EntryEnded, at: datetime) -> list[Breach]:
        if data.entry_id in self.entries:
            self.entries.discard(data.entry_id)
            return []
        text = f"entry {data.entry_id} ended in queue {data.queue_id} but was never queued, or ended twice"
        return [Breach("I6", data.entry_id, Severity.WARNING, text)]

    def _agent_changed(self, data: AgentChanged, at: datetime) -> list[Breach]:
        if data.state is AgentState.READY:
            self.ready[data.agent_id] = (data.phone_id, at)
            return []
        was = self.ready.pop(data.agent_id, None)
        return [] if was is None else [_ready_is_fine(data.agent_id)]

    def _leg_ended(self, data: LegEnded, at: datetime) -> list[Breach]:
        if data.role is LegRole.AGENT and data.offer_id and data.talk_ms > 0 and data.leg_id not in self.recorded:
            self.unrecorded[data.leg_id] = at
        return []

    def _leg_started(self, data: LegStarted, at: datetime) -> list[Breach]:
        """One that was lost and found again goes on, and so does its recording."""
        self.unrecorded.pop(data.leg_id, None)
        if data.leg_id not in self.late:
            return []
        del self.late[data.leg_id]
        return [Breach("I10", data.leg_id, Severity.INFO, "the leg was found again and goes on", cleared=True)]

    def _voicemail_changed(self, data: VoicemailChanged, at: datetime) -> list[Breach]:
        self.voicemails.take(data)
        return []

    def _recording(self, data: RecordingStored | RecordingFailed, at: datetime) -> list[Breach]:
        self._note(self.recorded, data.leg_id)
        self.unrecorded.pop(data.leg_id, None)
        if isinstance(data, RecordingFailed):
            return [
                Breach("I10", data.leg_id, Severity.CRITICAL, f"the recording of leg {data.leg_id} is {data.reason}")
            ]
        if data.leg_id in self.late:
            del self.late[data.leg_id]
            return [Breach("I10", data.leg_id, Severity.INFO, "the recording came late", cleared=True)]
        return []

    @staticmethod
    def _note(seen: OrderedDict[str, None], key: str) -> None:
        seen[key] = None
        if len(seen) > REMEMBER:
            seen.popitem(last=False)


def _withdraw(rule: str, held: dict[str, set[str]], key: str, offer_id: str) -> list[Breach]:
    offers = held.get(key, set())
    was_broken = len(offers) > 1
    offers.discard(offer_id)
    if not offers:
        held.pop(key, None)
    return (
        [Breach(rule, key, Severity.INFO, "one offer again", cleared=True)] if was_broken and len(offers) <= 1 else []
    )


def _neglected(queue_id: str, number: int) -> str:
    if not queue_id:
        return (
            f"{number} voicemail(s) of no queue, such as those of the safety net, wait past their time: a supervisor finds them at "
            "record (GET /v1/voicemails?overdue=true), and its setting voicemail_queue gives them to a queue"
        )
    return (
        f"{number} voicemail(s) of queue {queue_id} wait past their time: have somebody who serves it take them at his desktop; they "
        f"are listed at record (GET /v1/voicemails?queue_id={queue_id}&overdue=true), the time is the queue's voicemail_due_s"
    )


def _name(hands: Hands) -> str:
    agent_id, medium = hands
    return agent_id if medium == VOICE else f"{agent_id}/{medium}"


def _ready_is_fine(agent_id: str) -> Breach:
    return Breach("I9", agent_id, Severity.INFO, "not ready any more, or his phone is back", cleared=True)


_TABLE: dict[str, Callable[[Watch, Any, datetime], list[Breach]]] = {
    OfferMade.TYPE: Watch._offered,
    OfferEnded.TYPE: Watch._offer_ended,
    ContactHandled.TYPE: Watch._handled,
    EntryQueued.TYPE: Watch._entry_queued,
    EntryEnded.TYPE: Watch._entry_ended,
    AgentChanged.TYPE: Watch._agent_changed,
    PhoneChanged.TYPE: Watch._phone,
    LegStarted.TYPE: Watch._leg_started,
    LegEnded.TYPE: Watch._leg_ended,
    RecordingStored.TYPE: Watch._recording,
    RecordingFailed.TYPE: Watch._recording,
    VoicemailChanged.TYPE: Watch._voicemail_changed,
}
