"""What every composition root needs: a bus, the switches, health checks of both, built from settings the same way everywhere.

A service's ``app.build(settings, parts)`` takes ``Parts``; ``ipcc up`` gives all services the same ones, so that they share one
broker in the process, and a service in its own process makes its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ipcc.bus import Bus, MemoryBroker, MemoryBus, Publisher, View, Worker
from ipcc.bus.kafka import KafkaBus
from ipcc.bus.kafka_link import KafkaSettings
from ipcc.clock import Clock, SystemClock
from ipcc.esl.green import GreenLinks
from ipcc.esl.nodes import Nodes
from ipcc.esl.port import NodeAddress, SubscriptionPlan, Switches
from ipcc.http.health import Health
from ipcc.settings import ServiceSettings
from ipcc.tasks import Tasks

MEMORY = "memory"


@dataclass
class Parts:
    """The clock, the in-process broker and the event-socket thread of one process."""

    clock: Clock = field(default_factory=SystemClock)
    broker: MemoryBroker | None = None
    links: GreenLinks | None = None

    def bus(self, settings: ServiceSettings) -> Bus:
        """The bus that ``settings.kafka`` names, not yet started."""
        if settings.kafka == MEMORY:
            self.broker = self.broker or MemoryBroker(self.clock)
            return MemoryBus(self.broker)
        link = KafkaSettings(settings.kafka, session_timeout_s=settings.kafka_session_timeout_s)
        return KafkaBus(link, self.clock)

    def publisher(self, settings: ServiceSettings, bus: Bus) -> Publisher:
        """Publishes in the name of this replica."""
        return Publisher(bus, f"{settings.service}/{settings.instance}", self.clock)

    def switches(self, settings: ServiceSettings, plan: SubscriptionPlan) -> Nodes:
        """The nodes of ``settings.switches``, heard as ``plan`` says; not yet connected."""
        password = settings.esl_password.get_secret_value() if settings.esl_password else ""
        addresses = [NodeAddress(s.node_id, s.host, s.port, password) for s in settings.switches]
        return Nodes(addresses, plan, self._links().connect, self.clock)

    def close(self) -> None:
        """End the thread of the event sockets, when every service of the process has stopped."""
        if self.links is not None:
            self.links.stop()
            self.links = None

    def _links(self) -> GreenLinks:
        if self.links is None:
            self.links = GreenLinks()
        return self.links


@asynccontextmanager
async def running_bus(bus: Bus, tasks: Tasks) -> AsyncIterator[None]:
    """``bus`` from start to stop; ``tasks`` end before it."""
    await bus.start()
    try:
        yield
    finally:
        await tasks.stop()
        await bus.stop()


def check_bus(health: Health, bus: Bus) -> None:
    """Red while the broker does not answer."""

    def look() -> str | None:
        state = bus.health
        return None if state.is_up else f"no answer since {state.since:%H:%M:%S}: {state.last_error}"

    health.add("bus", look)


def check_objects(health: Health, config: View) -> None:
    """A complaint while administered objects are not in force as they were last written."""
    health.complain("administered objects", config.problem)


def check_worker(health: Health, worker: Worker, name: str = "consumer") -> None:
    """Red while ``worker`` is not in its group, is stuck, or buries too much."""
    health.add(name, lambda: worker.problem or None)


def check_switches(health: Health, switches: Switches) -> None:
    """Red while a node cannot be reached, or none is configured."""

    def look() -> str | None:
        if not switches.nodes():
            return "no switch is configured: set IPCC_SWITCHES, for example fs1=127.0.0.1:8021"
        down = [node for node in switches.nodes() if not node.is_up]
        return "; ".join(f"{node.node_id}: {node.state.last_error or 'not reached yet'}" for node in down) or None

    health.add("switches", look)
