"""Voicemails of the queues: how many wait, since when, and how many nobody has taken in time, without looking at all each time."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime

from ipcc.contracts.recording import VoicemailChanged, VoicemailState
from services.monitor.core.line import Line


@dataclass
class VoicemailLine:
    """Those of one queue that are not done."""

    waiting: Line = field(default_factory=Line)
    taken: set[str] = field(default_factory=set)
    # of those that wait: past their time, and the others with the next to be so on top
    _overdue: set[str] = field(default_factory=set)
    _due: list[tuple[datetime, str]] = field(default_factory=list)

    def put(self, mail: VoicemailChanged) -> None:
        """It stands here now."""
        self.drop(mail.recording_id)
        if mail.state is VoicemailState.TAKEN:
            self.taken.add(mail.recording_id)
        elif mail.state is VoicemailState.WAITING:
            self.waiting.join(mail.recording_id, mail.left_at)
            heapq.heappush(self._due, (mail.due_at, mail.recording_id))

    def drop(self, voicemail_id: str) -> None:
        """It stands here no more."""
        self.waiting.leave(voicemail_id)
        self.taken.discard(voicemail_id)
        self._overdue.discard(voicemail_id)

    def overdue(self, now: datetime) -> int:
        """How many wait past their time. ``now`` never goes back."""
        while self._due and self._due[0][0] < now:
            _, voicemail_id = heapq.heappop(self._due)
            if voicemail_id in self.waiting:
                self._overdue.add(voicemail_id)
        return len(self._overdue)


@dataclass
class Voicemails:
    """Those of all queues, by the last word about each."""

    lines: dict[str, VoicemailLine] = field(default_factory=dict)
    _stands_in: dict[str, str] = field(default_factory=dict)

    def take(self, mail: VoicemailChanged) -> None:
        """Something was told; the same again changes nothing."""
        former = self._stands_in.pop(mail.recording_id, None)
        if former is not None:
            self.lines[former].drop(mail.recording_id)
        if mail.state is VoicemailState.DONE:
            return
        self._stands_in[mail.recording_id] = mail.queue_id
        self.line(mail.queue_id).put(mail)

    def line(self, queue_id: str) -> VoicemailLine:
        """Those of a queue."""
        return self.lines.setdefault(queue_id, VoicemailLine())
