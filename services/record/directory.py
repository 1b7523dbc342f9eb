"""Whom the bank has administered to serve which queue."""

from __future__ import annotations

from dataclasses import dataclass

from ipcc.bus import View
from ipcc.contracts.config import ConfigChanged, Queue, User
from ipcc.errors import Unavailable
from ipcc.serving import serves


@dataclass(frozen=True)
class Directory:
    """Queues and users as admin told of them last."""

    config: View

    def queue(self, queue_id: str) -> Queue | None:
        """None for one nobody administered, or while the configuration is not read."""
        found = self._object(f"queue/{queue_id}")
        return found if isinstance(found, Queue) else None

    def does_serve(self, user_id: str, queue_id: str) -> bool:
        """Whether he is one of its agents. Raises Unavailable while the configuration is not read."""
        self._check()
        user, queue = self._object(f"user/{user_id}"), self.queue(queue_id)
        return isinstance(user, User) and queue is not None and serves(queue, user)

    def queues_of(self, user_id: str) -> list[str]:
        """The queues he serves. Raises Unavailable while the configuration is not read."""
        self._check()
        user = self._object(f"user/{user_id}")
        if not isinstance(user, User):
            return []
        told = (event.data for key, event in self.config.items() if key.startswith("queue/"))
        queues = (data.object for data in told if isinstance(data, ConfigChanged))
        return sorted(queue.id for queue in queues if isinstance(queue, Queue) and serves(queue, user))

    def _object(self, key: str) -> object:
        event = self.config.get(key)
        return event.data.object if event and isinstance(event.data, ConfigChanged) else None

    def _check(self) -> None:
        if not self.config.is_ready:
            raise Unavailable("config.not_ready", "the configuration has not been read yet")
