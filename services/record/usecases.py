"""From the answer of an agent's leg, or a message a caller left, to a checked file in the store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import structlog

from ipcc.bus.events import Received
from ipcc.bus.outbox import Relay
from ipcc.clock import Clock
from ipcc.contracts.call import LegAnswered, LegEnded
from ipcc.contracts.ivr import MessageLeft
from ipcc.contracts.recording import RecordingFailed, RecordingKind, RecordingStarted, RecordingStored
from ipcc.contracts.tags import LegRole, recording_name
from ipcc.errors import InvalidMessage, IpccError, NotFound, StoreDown
from ipcc.metrics import RECORD_COLLECTED, RECORD_SPOOL_ERRORS, Metrics
from services.record.core.policy import (
    CLAIM,
    LOOK_EVERY,
    QUIET,
    SILENT,
    SWEEP_EVERY,
    Stray,
    fault,
    heard_talk_ms,
    is_id,
    is_overdue,
    location,
    name_of_message,
    stray_of,
)
from services.record.spool import Found, Spool, Unreadable
from services.record.store import Kept, Leg, Recording, RecordingStore
from services.record.voicemails import Voicemails

log = structlog.get_logger(__name__)

IDLE_S = 0.5


@dataclass
class Recordings:
    """The use cases of record. ``speech_ms``: a message with less of it was left by nobody."""

    store: RecordingStore
    spool: Spool
    relay: Relay
    clock: Clock
    metrics: Metrics
    voicemails: Voicemails
    speech_ms: int = 0
    spool_problems: dict[str, str] = field(default_factory=dict)

    async def leg_answered(self, data: LegAnswered, received: Received) -> None:
        """An agent answered: his leg started its recording by itself."""
        if data.role is not LegRole.AGENT:
            return
        leg = _leg(data)
        fact = RecordingStarted(
            recording_id=leg.leg_id,
            call_id=leg.call_id,
            leg_id=leg.leg_id,
            node_id=leg.node_id,
            name=leg.name,
            agent_id=leg.agent_id,
        )
        await self.store.note_started(received.event.id, leg, received.event.time, fact)
        self.relay.wake()

    async def leg_ended(self, data: LegEnded, received: Received) -> None:
        """An agent's leg is over: its file is to be collected."""
        if data.role is not LegRole.AGENT or data.talk_ms <= 0:
            return
        # a leg that no service dialled (one phone calling another) is recorded only where the dialplan says so
        talk_ms = heard_talk_ms(data.talk_ms, data.hung_up_by)
        await self.store.note_ended(
            received.event.id, _leg(data), received.event.time, talk_ms, is_required=bool(data.offer_id)
        )

    async def message_left(self, data: MessageLeft, received: Received) -> None:
        """A caller left a message: its file is to be collected."""
        stray = stray_of(name_of_message(data.path))
        if stray is None or stray.kind is not RecordingKind.MESSAGE or not is_id(data.call_id):
            raise InvalidMessage("the path is no place of a message in the spool")
        # ivr knows the call; a name alone may not
        leg = replace(_found_leg(stray), call_id=data.call_id, leg_id=data.call_id)
        mail = self.voicemails.new(leg.recording_id, data.call_id, data.queue_id[:64], received.event.time)
        mail = replace(mail, caller_number=data.caller_number, attributes=data.attributes)
        await self.store.note_message(received.event.id, leg, data.seconds * 1000, mail)
        self.relay.wake()

    async def find(self, recording_id: str) -> Recording:
        """One recording. Raises NotFound."""
        recording = await self.store.find(recording_id)
        if recording is None:
            raise NotFound("recording.unknown", f"there is no recording {recording_id}")
        return recording

    async def collect(self) -> None:
        """Collect what ended, for ever."""
        while True:
            now = self.clock.now()
            try:
                due = await self.store.claim_due(now, now + CLAIM)
                for recording in due:
                    await self._collect(recording)
            except StoreDown as error:
                log.warning("collection_waits", reason=str(error))
                due = []
            if not due:
                await self.clock.sleep(IDLE_S)

    async def sweep(self) -> None:
        """Take in what lies in the spool and nobody told us of, for ever."""
        while True:
            await self.clock.sleep(SWEEP_EVERY.total_seconds())
            try:
                await self._sweep()
            except (IpccError, OSError) as error:
                log.warning("sweep_waits", reason=str(error))

    async def _sweep(self) -> None:
        now = self.clock.now()
        for found in await self.spool.left_alone(now - QUIET):
            stray = stray_of(found.name)
            if stray is None or now - found.written_at < stray.quiet:
                continue
            leg = _found_leg(stray)
            if await self.store.adopt(leg, found.written_at, is_required=stray.is_required):
                log.warning("recording_adopted", recording_id=leg.recording_id, call_id=leg.call_id, kind=leg.kind)

    async def _collect(self, recording: Recording) -> None:
        try:
            wrong = await self._look(recording)
            self.spool_problems.pop(recording.recording_id, None)
        except OSError as error:
            # the disk, not the recording: it stays due
            reason = f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
            self.spool_problems[recording.recording_id] = reason
            self.metrics.count(RECORD_SPOOL_ERRORS)
            log.error("spool_error", recording_id=recording.recording_id, reason=reason)
            await self.store.look_again(recording.recording_id, self.clock.now() + LOOK_EVERY * 5)
            return
        if wrong is not None:
            await self._wait_or_fail(recording, wrong)

    async def _look(self, recording: Recording) -> str | None:
        """Take the file in; None when that is done, else what is wrong so far. Raises OSError."""
        try:
            found = await self.spool.look(recording.name, listen=recording.kind is RecordingKind.MESSAGE)
        except Unreadable as error:
            log.warning("recording_unreadable", recording_id=recording.recording_id, reason=str(error))
            return "unreadable"
        if found is None:
            return "missing"
        wrong = fault(found.audio, recording.talk_ms, self.speech_ms)
        if wrong is not None and not self._is_overdue(recording):
            # it may still be growing on a slow file system
            return wrong
        if wrong == SILENT:
            await self._drop(recording, found)
        else:
            await self._keep(recording, found, wrong)
        return None

    async def _drop(self, recording: Recording, found: Found) -> None:
        """Nobody said anything: no fault of ours, and nothing to hear."""
        await self.store.mark_failed(recording.recording_id, SILENT, None, None)
        self.metrics.count(RECORD_COLLECTED, result=SILENT)
        await self.spool.discard(found)

    async def _keep(self, recording: Recording, found: Found, wrong: str | None) -> None:
        place = location(recording.recording_id, recording.ended_at or self.clock.now())
        kept = Kept(place, found.audio, await self.spool.keep(found, place))
        if wrong is not None:
            # kept all the same: half a recording is better than none, and the alert says so
            await self._fail(recording, wrong, kept)
        else:
            fact = RecordingStored(
                recording_id=recording.recording_id,
                call_id=recording.call_id,
                leg_id=recording.leg_id,
                agent_id=recording.agent_id,
                location=place,
                duration_ms=kept.audio.duration_ms,
                size_bytes=kept.audio.size_bytes,
                sha256=kept.sha256,
                channels=kept.audio.channels,
                kind=recording.kind,
                queue_id=recording.queue_id,
            )
            mail = self.voicemails.found(recording, kept.audio.duration_ms)
            await self.store.mark_stored(recording.recording_id, kept, fact, mail)
            self.metrics.count(RECORD_COLLECTED, result="stored")
        # only now: until the row is committed the spool is the only copy that is on record
        await self.spool.discard(found)
        self.relay.wake()

    async def _wait_or_fail(self, recording: Recording, reason: str) -> None:
        if not self._is_overdue(recording):
            await self.store.look_again(recording.recording_id, self.clock.now() + LOOK_EVERY)
            return
        await self._fail(recording, reason, None)

    async def _fail(self, recording: Recording, reason: str, kept: Kept | None) -> None:
        fact = RecordingFailed(
            recording_id=recording.recording_id,
            call_id=recording.call_id,
            leg_id=recording.leg_id,
            agent_id=recording.agent_id,
            reason=reason,
            kind=recording.kind,
            queue_id=recording.queue_id,
        )
        mail = self.voicemails.found(recording, kept.audio.duration_ms if kept else 0)
        await self.store.mark_failed(
            recording.recording_id, reason, kept, fact if recording.is_required else None, mail
        )
        self.metrics.count(RECORD_COLLECTED, result=reason)
        self.relay.wake()

    def _is_overdue(self, recording: Recording) -> bool:
        now = self.clock.now()
        return is_overdue(recording.ended_at or now, now)


def _found_leg(stray: Stray) -> Leg:
    own_id = "" if stray.kind is RecordingKind.AGENT else stray.recording_id
    return Leg(stray.leg_id, stray.call_id, "", "", stray.name, stray.kind, own_id)


def _leg(data: LegAnswered | LegEnded) -> Leg:
    for text in (data.call_id, data.leg_id):
        if not is_id(text):
            raise InvalidMessage("call_id or leg_id is no id that a file could be named after")
    return Leg(data.leg_id, data.call_id, data.node_id, data.agent_id, recording_name(data.call_id, data.leg_id))
