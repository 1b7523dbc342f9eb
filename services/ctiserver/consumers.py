"""Bus in: the topics whose facts desktops are shown, and the one the book is read back from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from ipcc.bus import Bus, Received
from ipcc.clock import Clock
from ipcc.contracts.envelope import Event
from ipcc.contracts.topics import ACD, CALL, IVR, RECORDING, Topic
from services.ctiserver.core.desktop import Desktops
from services.ctiserver.journal import Journal
from services.ctiserver.stream import TOPICS, DesktopHub

# a desktop that comes back has seen something newer than this, or starts from the snapshot
CALLS_BACK = timedelta(hours=2)
# an agent who changed his state longer ago than a day is shown as out
AGENTS_BACK = timedelta(hours=24)
PATHS_BACK = timedelta(hours=2)
# what is not done is told again every hour (services/record/core/voicemail.py)
VOICEMAILS_BACK = timedelta(hours=3)


class DesktopFeed:
    """Reads what concerns desktops, in four journals side by side."""

    def __init__(self, bus: Bus, clock: Clock, desktops: Desktops, hub: DesktopHub) -> None:
        self.hear: Callable[[Event], None] = lambda _: None
        """Called with every event read, after desktops were told."""
        self._desktops = desktops
        self._hub = hub
        backs: Mapping[Topic, timedelta] = {
            CALL: CALLS_BACK,
            ACD: AGENTS_BACK,
            IVR: PATHS_BACK,
            RECORDING: VOICEMAILS_BACK,
        }
        self.journals = {topic: Journal(bus, topic, clock, back, self._take) for topic, back in backs.items()}
        for topic in TOPICS:
            self.journals[topic].begin = lambda positions, name=topic.name: hub.begin(name, positions)  # type: ignore[misc]

    @property
    def is_ready(self) -> bool:
        """Whether the state shown is that of now."""
        return all(journal.is_ready for journal in self.journals.values())

    def problem(self) -> str | None:
        """What has not been read yet."""
        behind = [topic.name for topic, journal in self.journals.items() if not journal.is_ready]
        return f"still reading {', '.join(behind)}" if behind else None

    def _take(self, received: Received) -> None:
        messages = self._desktops.take(received.event)
        if received.record.topic != IVR.name:
            self._hub.tell(received.record, messages)
        self.hear(received.event)
