"""What the bank has configured, and which phones can be rung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from ipcc.bus import View
from ipcc.contracts.call import PhoneChanged
from ipcc.contracts.config import (
    ConfigChanged,
    DialPlan,
    DialRule,
    EntryPoint,
    Organisation,
    Phone,
    Queue,
    User,
    Webhook,
)
from ipcc.contracts.envelope import Event
from ipcc.contracts.tags import is_line
from ipcc.dialling import rules_for
from ipcc.errors import NotFound, NotNow, Unavailable
from ipcc.serving import serves

T = TypeVar("T", User, Phone, Queue, Organisation, DialPlan)


class Directory:
    """What the bank has configured, and which phones can be rung."""

    def __init__(self, config: View, phones: View) -> None:
        self._config = config
        self._phones = phones
        self._entries: dict[str, EntryPoint] = {}
        self._hooks: dict[str, Webhook] = {}
        self._units: dict[str, Organisation] = {}
        config.on_change(self._index)

    def agent(self, agent_id: str) -> User:
        """Raises NotFound for somebody who is not an agent, Unavailable while the configuration has not been read."""
        user = self._find(User, agent_id)
        if user is None or "agent" not in user.roles:
            raise NotFound("agent.unknown", f"there is no agent {agent_id}", agent_id=agent_id)
        return user

    def user(self, user_id: str) -> User:
        """Anybody who signs in. Raises NotFound and Unavailable as ``agent``."""
        user = self._find(User, user_id)
        if user is None:
            raise NotFound("user.unknown", f"there is no user {user_id}", user_id=user_id)
        return user

    def queue(self, queue_id: str) -> Queue:
        """Raises NotFound for a queue nobody configured."""
        queue = self._find(Queue, queue_id)
        if queue is None:
            raise NotFound("queue.unknown", f"there is no queue {queue_id}", queue_id=queue_id)
        return queue

    def has_phone(self, phone_id: str) -> bool:
        """Whether it is one of the bank's phones."""
        return self._find(Phone, phone_id) is not None

    def users(self) -> list[User]:
        """Everybody who signs in."""
        return self._all(User)

    def user_or_none(self, user_id: str) -> User | None:
        """Somebody who signs in; None for a system of the bank. Raises Unavailable."""
        return self._find(User, user_id)

    def units(self) -> Mapping[str, Organisation]:
        """The units of the bank. Raises Unavailable while the configuration has not been read."""
        if not self._config.is_ready:
            raise Unavailable("config.not_ready", "the configuration has not been read yet")
        return self._units

    def unit_of_number(self, number: str) -> str:
        """The unit whose entry point a dialled number is; empty for none."""
        found = next((entry for entry in self._entries.values() if entry.number == number), None)
        return found.organisation if found else ""

    def unit_of_user(self, user_id: str) -> str:
        """The unit somebody belongs to; empty for nobody we know. Raises Unavailable."""
        user = self._find(User, user_id)
        return user.organisation if user else ""

    def webhooks(self) -> Mapping[str, Webhook]:
        """Those who asked over REST to be sent events, by id."""
        return self._hooks

    def dial_rules(self, unit: str, otherwise: Sequence[DialRule]) -> Sequence[DialRule]:
        """The rules administered for a unit, else ``otherwise``."""
        return rules_for(unit, self._units, self._all(DialPlan), otherwise)

    def check_phone(self, phone_id: str) -> None:
        """Raises NotFound for a phone nobody configured, NotNow for one that cannot be rung."""
        if not is_line(phone_id) and self._find(Phone, phone_id) is None:
            raise NotFound("phone.unknown", f"there is no phone {phone_id}", phone_id=phone_id)
        state = self.phone_state(phone_id)
        if state is None or not state.registered:
            raise NotNow("phone.not_registered", f"phone {phone_id} is not registered at any switch", phone_id=phone_id)

    def phone_state(self, phone_id: str) -> PhoneChanged | None:
        """The last word about the phone; None when it was never heard of."""
        event = self._phones.get(phone_id)
        return event.data if event and isinstance(event.data, PhoneChanged) else None

    def phones(self) -> list[tuple[str, str, PhoneChanged | None]]:
        """Id, name and state of every phone that is configured or was heard of; a name is empty when it is not configured."""
        names = {found.id: found.name for found in self._all(Phone)}
        return [
            (phone_id, names.get(phone_id, ""), self.phone_state(phone_id))
            for phone_id in sorted({*names, *self._phones})
        ]

    def queue_name(self, queue_id: str) -> str:
        """What people call the queue; its id when it is not known."""
        event = self._config.get(f"queue/{queue_id}")
        found = event.data.object if event and isinstance(event.data, ConfigChanged) else None
        return found.name if found else queue_id

    def _index(self, key: str, event: Event | None) -> None:
        """What is asked for with every event of a call is kept apart: a bank has many more users than units."""
        found = event.data.object if event and isinstance(event.data, ConfigChanged) else None
        _, _, object_id = key.partition("/")
        for kind, kept in (("entry_point", self._entries), ("webhook", self._hooks), ("organisation", self._units)):
            if key.startswith(f"{kind}/"):
                kept.pop(object_id, None)
        match found:
            case EntryPoint():
                self._entries[object_id] = found
            case Webhook():
                self._hooks[object_id] = found
            case Organisation():
                self._units[object_id] = found

    def _find(self, kind: type[T], object_id: str) -> T | None:
        if not self._config.is_ready:
            raise Unavailable("config.not_ready", "the configuration has not been read yet")
        event = self._config.get(f"{kind.model_fields['kind'].default}/{object_id}")
        found = event.data.object if event and isinstance(event.data, ConfigChanged) else None
        return found if isinstance(found, kind) else None

    def _all(self, kind: type[T]) -> list[T]:
        found = (event.data.object for event in self._config.values() if isinstance(event.data, ConfigChanged))
        return [one for one in found if isinstance(one, kind)]


def does_serve(directory: Directory, agent_id: str, queue_id: str) -> bool:
    """Whether he is one of the queue's agents; nobody is of one that is not administered, or not read yet."""
    try:
        return serves(directory.queue(queue_id), directory.user(agent_id))
    except (NotFound, Unavailable):
        return False
