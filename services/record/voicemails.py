"""Voicemails for the people of their queue: who may see, hear, take and finish them, and what comes back by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from ipcc.auth.principal import Principal, Role
from ipcc.bus.outbox import Relay
from ipcc.clock import Clock
from ipcc.contracts.config import Queue
from ipcc.contracts.recording import RecordingKind, VoicemailOutcome, VoicemailState
from ipcc.errors import NotAllowed, StoreDown
from services.record.core.voicemail import (
    DONE,
    LOOK_AGAIN_EVERY,
    PUT_BACK,
    TAKEN,
    Voicemail,
    finish,
    put_back,
    take,
)
from services.record.directory import Directory
from services.record.store import Recording
from services.record.voicemail_store import Sought, VoicemailStore

log = structlog.get_logger(__name__)

HEARS_ALL = (Role.SUPERVISOR, Role.QUALITY, Role.AUDITOR, Role.SYSTEM)
OVERSEES = (Role.SUPERVISOR, Role.SYSTEM)
_DUE_S: int = Queue.model_fields["voicemail_due_s"].default


@dataclass
class Voicemails:
    """The use cases. ``queue_id``: whose the messages are that no flow had a queue for; ``hold``: so long one person may have one."""

    store: VoicemailStore
    directory: Directory
    relay: Relay
    clock: Clock
    queue_id: str
    hold: timedelta

    def new(self, recording_id: str, call_id: str, queue_id: str, at: datetime) -> Voicemail:
        """One that was left at ``at``."""
        owner = queue_id or self.queue_id
        queue = self.directory.queue(owner)
        due = timedelta(seconds=queue.voicemail_due_s if queue else _DUE_S)
        return Voicemail(recording_id, call_id, owner, VoicemailState.WAITING, at, at + due, at, duration_ms=0)

    def found(self, recording: Recording, duration_ms: int) -> Voicemail | None:
        """What a stored recording is as a voicemail; None when it is none."""
        if recording.kind is not RecordingKind.MESSAGE:
            return None
        at = recording.ended_at or self.clock.now()
        mail = self.new(recording.recording_id, recording.call_id, recording.queue_id, at)
        return replace(mail, duration_ms=duration_ms)

    async def search(self, who: Principal, sought: Sought, limit: int) -> list[Voicemail]:
        """Those he may see. Raises NotAllowed (voicemail.other_queue), Unavailable."""
        if not who.has(*HEARS_ALL):
            own = self.directory.queues_of(who.subject)
            if sought.queues is not None and not set(sought.queues) <= set(own):
                raise NotAllowed("voicemail.other_queue", f"{who.subject} serves other queues than the one asked for")
            if sought.queues is None:
                sought = replace(sought, queues=tuple(own))
        return await self.store.search(sought, limit)

    async def find(self, who: Principal, voicemail_id: str) -> Voicemail:
        """One that he may see and hear. Raises NotFound, NotAllowed (voicemail.other_queue), Unavailable."""
        mail = await self.store.find(voicemail_id)
        self.check_hears(who, mail.queue_id)
        return mail

    def check_hears(self, who: Principal, queue_id: str) -> None:
        """Agents hear what was left for the queues they serve. Raises NotAllowed, Unavailable."""
        if not who.has(*HEARS_ALL) and not self._serves(who, queue_id):
            raise NotAllowed("voicemail.other_queue", f"{who.subject} does not serve the queue it was left for")

    async def take(self, who: Principal, voicemail_id: str) -> Voicemail:
        """He has it from now on, and nobody else. Raises NotFound, NotAllowed, NotNow (voicemail.taken, voicemail.done), Unavailable."""
        mail = await self.store.find(voicemail_id)
        if not who.has(*OVERSEES) and not self._serves(who, mail.queue_id):
            raise NotAllowed("voicemail.other_queue", f"{who.subject} does not serve the queue it was left for")
        return await self._alter(voicemail_id, lambda it: take(it, who.subject, self.clock.now()), TAKEN, who)

    async def put_back(self, who: Principal, voicemail_id: str) -> Voicemail:
        """The others can take it again; a supervisor may take it from somebody so. Raises as ``take``, and voicemail.not_yours."""
        over = who.has(*OVERSEES)
        return await self._alter(
            voicemail_id, lambda it: put_back(it, who.subject, self.clock.now(), is_overseer=over), PUT_BACK, who
        )

    async def finish(self, who: Principal, voicemail_id: str, outcome: VoicemailOutcome) -> Voicemail:
        """It is done. Raises as ``put_back``."""
        over = who.has(*OVERSEES)
        return await self._alter(
            voicemail_id, lambda it: finish(it, who.subject, outcome, self.clock.now(), is_overseer=over), DONE, who
        )

    async def look_again(self) -> None:
        """Tell again of what is not done, and give back what was forgotten, for ever."""
        while True:
            await self.clock.sleep(LOOK_AGAIN_EVERY.total_seconds())
            try:
                if await self.store.look_again(self.clock.now(), self.hold):
                    self.relay.wake()
            except StoreDown as error:
                log.warning("voicemails_wait", reason=str(error))

    async def _alter(
        self, voicemail_id: str, decide: Callable[[Voicemail], Voicemail], change: str, who: Principal
    ) -> Voicemail:
        after = await self.store.alter(voicemail_id, decide, change, who.subject)
        self.relay.wake()
        return after

    def _serves(self, who: Principal, queue_id: str) -> bool:
        return who.has(Role.AGENT) and self.directory.does_serve(who.subject, queue_id)
