"""Which phones can be rung, and through which node: registrations of all nodes become one word per phone. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ipcc.contracts.call import PhoneChanged
from ipcc.esl.meaning import PhoneExpired, PhoneMeaning, PhoneRegistered, RegistrationRow
from ipcc.ids import NodeId, PhoneId


class PhoneFold:
    """Turns registrations into what is told: a phone is registered while at least one of its devices is."""

    def __init__(self) -> None:
        self.told: dict[PhoneId, PhoneChanged] = {}
        self._devices: dict[PhoneId, dict[str, NodeId]] = {}
        self._doubts: dict[NodeId, frozenset[tuple[str, PhoneId]]] = {}

    def apply(self, changed: PhoneChanged) -> None:
        """Take what was told by anyone into account."""
        self.told[PhoneId(changed.phone_id)] = changed

    def take(self, node_id: NodeId, meaning: PhoneMeaning) -> list[PhoneChanged]:
        """What is to be told because ``node_id`` said ``meaning``; nothing for a refresh."""
        phone_id = PhoneId(meaning.user)
        if not phone_id:
            return []
        devices = self._devices.setdefault(phone_id, {})
        if isinstance(meaning, PhoneRegistered):
            # the newest goes last: its node is where the phone is rung
            devices.pop(meaning.registration, None)
            devices[meaning.registration] = node_id
            return self._settle(phone_id, "registered")
        self._remove(phone_id, node_id, meaning.registration)
        return self._settle(phone_id, "expired" if isinstance(meaning, PhoneExpired) else "unregistered")

    def compare(self, node_id: NodeId, rows: Iterable[RegistrationRow]) -> list[PhoneChanged]:
        """What is to be told because ``node_id`` lists these registrations, and listed the same difference the last time."""
        shown: dict[PhoneId, list[str]] = {}
        for row in rows:
            shown.setdefault(PhoneId(row.user), []).append(row.registration)
        found = {("there", phone) for phone in shown if not self._is_at(phone, node_id)}
        found |= {("gone", phone) for phone, told in self.told.items() if self._is_lost(told, node_id, shown)}
        sure = found & self._doubts.get(node_id, frozenset())
        self._doubts[node_id] = frozenset(found)
        out: list[PhoneChanged] = []
        for kind, phone_id in sorted(sure):
            devices = self._devices.setdefault(phone_id, {})
            if kind == "gone":
                self._remove(phone_id, node_id, "")
            else:
                devices.update(dict.fromkeys(shown[phone_id], node_id))
            out += self._settle(phone_id, "resynced")
        self._learn(node_id, shown)
        return out

    def has_doubts(self, node_id: NodeId) -> bool:
        """Whether the last comparison found a difference: look again soon."""
        return bool(self._doubts.get(node_id))

    def _is_at(self, phone_id: PhoneId, node_id: NodeId) -> bool:
        told = self.told.get(phone_id)
        if told is None or not told.registered:
            return False
        return told.node_id == node_id or node_id in self._devices.get(phone_id, {}).values()

    @staticmethod
    def _is_lost(told: PhoneChanged, node_id: NodeId, shown: dict[PhoneId, list[str]]) -> bool:
        return told.registered and told.node_id == node_id and PhoneId(told.phone_id) not in shown

    def _learn(self, node_id: NodeId, shown: dict[PhoneId, list[str]]) -> None:
        """The devices behind what was told before a restart."""
        for phone_id, call_ids in shown.items():
            told = self.told.get(phone_id)
            if told and told.registered and told.node_id == node_id and not self._devices.get(phone_id):
                self._devices[phone_id] = dict.fromkeys(call_ids, node_id)

    def _remove(self, phone_id: PhoneId, node_id: NodeId, call_id: str) -> None:
        devices = self._devices.get(phone_id, {})
        for known in [known for known, at in devices.items() if at == node_id and call_id in ("", known)]:
            del devices[known]

    def _settle(self, phone_id: PhoneId, reason: str) -> list[PhoneChanged]:
        devices = self._devices.get(phone_id, {})
        node_id = next(reversed(devices.values())) if devices else NodeId("")
        told = self.told.get(phone_id)
        if not devices:
            self._devices.pop(phone_id, None)
            if told is None or not told.registered:
                return []
        elif told and told.registered and told.node_id == node_id:
            return []
        changed = PhoneChanged(phone_id=phone_id, registered=bool(devices), node_id=node_id, reason=reason)
        self.apply(changed)
        return [changed]
