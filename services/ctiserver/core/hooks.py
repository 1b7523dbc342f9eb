"""Which events a webhook is sent: of whose calls, of which kinds, from when. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ipcc.call.model import Call, Leg
from ipcc.contracts.call import CallArrived, CallPayload, DesktopChanged, LegStarted
from ipcc.contracts.config import Organisation, Webhook
from ipcc.contracts.envelope import Event
from ipcc.contracts.payload import Payload
from ipcc.contracts.tags import LegRole
from ipcc.units import is_under

MOST_CALLS = 50_000


@dataclass(frozen=True)
class Hook:
    """A receiver. ``unit`` "" is told of all calls; ``is_trusted``: whoever runs us named it, and it may be anywhere."""

    id: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    types: tuple[str, ...] = ()
    unit: str = ""
    since: datetime | None = None
    is_trusted: bool = False

    @classmethod
    def of(cls, made: Webhook, secrets: Iterable[str]) -> Hook:
        """The receiver somebody made over REST."""
        return cls(made.id, made.url, tuple(secrets), made.types, made.organisation, made.since)

    def wants(self, event: Event) -> bool:
        """Whether it asked for such events, at that time."""
        return (not self.types or event.type.startswith(self.types)) and (
            self.since is None or event.time >= self.since
        )


@dataclass
class Parties:
    """Who of the bank a call concerns: the number that was dialled, and the agents in it so far."""

    dialled: str = ""
    agents: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, call: Call, legs: Iterable[Leg]) -> Parties:
        """Of a call that is known otherwise."""
        return cls(call.dialled_number, {leg.agent_id for leg in legs if _counts(leg.role, leg.agent_id)})


class CallParties:
    """The parties of the last ``most`` calls, from what was told; told again, or by two readers, it is the same."""

    def __init__(self, most: int = MOST_CALLS) -> None:
        self._calls: OrderedDict[str, Parties] = OrderedDict()
        self._most = most

    def take(self, payload: Payload) -> None:
        """Something was told of a call."""
        if isinstance(payload, CallArrived):
            known = self._calls.setdefault(payload.call_id, Parties())
            known.dialled = payload.dialled_number
        elif isinstance(payload, LegStarted) and _counts(payload.role, payload.agent_id):
            known_or_none = self._calls.get(payload.call_id)
            # one whose beginning was not heard stays unknown: half of its parties would be taken for all
            if known_or_none is not None:
                known_or_none.agents.add(payload.agent_id)
        while len(self._calls) > self._most:
            self._calls.popitem(last=False)

    def of(self, payload: Payload) -> Parties | None:
        """The parties of what ``payload`` is about; None: its beginning was not heard here."""
        if isinstance(payload, DesktopChanged):
            return Parties(agents={payload.agent_id})
        return self._calls.get(payload.call_id) if isinstance(payload, CallPayload) else Parties()


def covers(unit: str, units: Mapping[str, Organisation]) -> bool:
    """Whether who stands at ``unit`` is told of all calls, also of those that belong to no unit: at the top there is no other."""
    return not unit or (unit in units and units[unit].parent is None)


def concerns(
    parties: Parties,
    unit: str,
    units: Mapping[str, Organisation],
    entry_unit: Callable[[str], str],
    agent_unit: Callable[[str], str],
) -> bool:
    """Whether a call is one of ``unit`` or of a unit under it: it came in by its number, or an agent of it has part in it."""
    found = {entry_unit(parties.dialled), *(agent_unit(agent) for agent in parties.agents)}
    return any(is_under(one, unit, units) for one in found if one)


def _counts(role: LegRole, agent_id: str) -> bool:
    # a supervisor who listens in does not make it a call of his unit
    return bool(agent_id) and role is not LegRole.SUPERVISOR
