"""From the answer of an agent's leg to a checked file in the store."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from ipcc.bus.events import Received
from ipcc.bus.outbox import Relay
from ipcc.clock import Clock
from ipcc.contracts.call import LegAnswered, LegEnded
from ipcc.contracts.recording import RecordingFailed, RecordingStarted, RecordingStored
from ipcc.contracts.tags import LegRole, recording_name
from ipcc.errors import StoreDown
from ipcc.metrics import RECORD_COLLECTED, RECORD_SPOOL_ERRORS, Metrics
from services.record.core.policy import LOOK_EVERY, fault, is_overdue, location
from services.record.spool import Found, Spool, Unreadable
from services.record.store import Leg, Recording, RecordingStore

log = structlog.get_logger(__name__)

IDLE_S = 0.5


@dataclass
class Recordings:
    """The use cases of record."""

    store: RecordingStore
    spool: Spool
    relay: Relay
    clock: Clock
    metrics: Metrics
    spool_problem: str = ""

    async def leg_answered(self, data: LegAnswered, received: Received) -> None:
        """An agent answered: his leg started its recording by itself."""
        if data.role is not LegRole.AGENT:
            return
        leg = Leg(data.leg_id, data.call_id, data.node_id, data.agent_id, recording_name(data.call_id, data.leg_id))
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
        leg = Leg(data.leg_id, data.call_id, data.node_id, data.agent_id, recording_name(data.call_id, data.leg_id))
        # a leg that no service dialled (one phone calling another) is recorded only where the dialplan says so
        await self.store.note_ended(
            received.event.id, leg, received.event.time, data.talk_ms, is_required=bool(data.offer_id)
        )

    async def collect(self) -> None:
        """Collect what ended, for ever."""
        while True:
            try:
                due = await self.store.due(self.clock.now())
                for recording in due:
                    await self._collect(recording)
            except StoreDown as error:
                log.warning("collection_waits", reason=str(error))
                due = []
            if not due:
                await self.clock.sleep(IDLE_S)

    async def _collect(self, recording: Recording) -> None:
        try:
            found = await self.spool.look(recording.name)
            self.spool_problem = ""
            if found is not None:
                await self._keep(recording, found)
                return
        except Unreadable as error:
            log.warning("recording_unreadable", recording_id=recording.recording_id, reason=str(error))
            await self._wait_or_fail(recording, "unreadable")
            return
        except OSError as error:
            # the disk, not the recording: it stays due
            self.spool_problem = f"{error.strerror}: {error.filename}"
            self.metrics.count(RECORD_SPOOL_ERRORS)
            log.error("spool_error", reason=self.spool_problem)
            await self.store.look_again(recording.recording_id, self.clock.now() + LOOK_EVERY * 5)
            return
        await self._wait_or_fail(recording, "missing")

    async def _keep(self, recording: Recording, found: Found) -> None:
        wrong = fault(found.audio, recording.talk_ms)
        ended_at = recording.ended_at or self.clock.now()
        if wrong is not None and not is_overdue(ended_at, self.clock.now()):
            # it may still be growing on a slow file system
            await self.store.look_again(recording.recording_id, self.clock.now() + LOOK_EVERY)
            return
        place = location(recording.recording_id, ended_at)
        sha256 = await self.spool.keep(found, place)
        if wrong is not None:
            # kept all the same: half a recording is better than none, and the alert says so
            await self._fail(recording, wrong)
        else:
            fact = RecordingStored(
                recording_id=recording.recording_id,
                call_id=recording.call_id,
                leg_id=recording.leg_id,
                agent_id=recording.agent_id,
                location=place,
                duration_ms=found.audio.duration_ms,
                size_bytes=found.audio.size_bytes,
                sha256=sha256,
                channels=found.audio.channels,
            )
            await self.store.mark_stored(recording.recording_id, place, found.audio, sha256, fact)
            self.metrics.count(RECORD_COLLECTED, result="stored")
        # only now: until the row is committed the spool is the only copy that is on record
        await self.spool.discard(found)
        self.relay.wake()

    async def _wait_or_fail(self, recording: Recording, reason: str) -> None:
        now = self.clock.now()
        if not is_overdue(recording.ended_at or now, now):
            await self.store.look_again(recording.recording_id, now + LOOK_EVERY)
            return
        await self._fail(recording, reason)

    async def _fail(self, recording: Recording, reason: str) -> None:
        fact = RecordingFailed(
            recording_id=recording.recording_id,
            call_id=recording.call_id,
            leg_id=recording.leg_id,
            agent_id=recording.agent_id,
            reason=reason,
        )
        await self.store.mark_failed(recording.recording_id, reason, fact if recording.is_required else None)
        self.metrics.count(RECORD_COLLECTED, result=reason)
        self.relay.wake()
