"""The suite as in production, one process a service, on a real Kafka; with people at simulated phones and somebody who looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from ipcc.bus import BEGINNING, received_from
from ipcc.bus.kafka import KafkaBus
from ipcc.bus.kafka_link import KafkaSettings
from ipcc.cli.plan import Plan
from ipcc.cli.processes import Family, running_family
from ipcc.cli.stage import Stage
from ipcc.cli.suite import Suite
from ipcc.cli.verdict import Totals
from ipcc.clock import SystemClock
from ipcc.contracts.acd import AcdPayload
from ipcc.contracts.topics import ACD
from ipcc.sim.people import Caller, PhoneScript
from ipcc.sim.switch import SimSwitch
from tests.support.until import until

BANK = Path(__file__).parent / "bank.yaml"
AGENTS = ("1001", "1002", "1003", "1004")
SESSION_TIMEOUT_S = 3.0
LOOK_S = 0.1


@dataclass
class Town:
    """What the tests hold on to."""

    suite: Suite
    family: Family
    client: httpx.AsyncClient
    clock: SystemClock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self.began = self.clock.now()

    @property
    def sim(self) -> SimSwitch:
        """The switch."""
        assert self.suite.sim is not None
        return self.suite.sim

    @property
    def stage(self) -> Stage:
        """The demonstration's stage on the switch there is now."""
        made = Stage(self.suite, self.client, self.clock)
        made.began = self.began
        return made

    # --- asking ------------------------------------------------------------------------------------------------------
    async def get(self, service: str, path: str, **query: Any) -> Any:
        """The answer of a service. Raises AssertionError when it is no success."""
        answer = await self.client.get(self.suite.urls[service] + path, params=query)
        assert answer.is_success, f"{service}{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def post(self, service: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer of a service. Raises AssertionError when it is no success."""
        answer = await self.client.post(self.suite.urls[service] + path, json=body)
        assert answer.is_success, f"{service}{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def reasons(self, service: str) -> dict[str, str]:
        """Why a service is red, by component; empty when it is green; ``process`` when it does not answer."""
        try:
            answer = await self.client.get(f"{self.suite.urls[service]}/health/ready")
        except httpx.HTTPError as error:
            return {"process": repr(error)}
        parts = answer.json()["components"]
        return {name: part["reason"] for name, part in parts.items() if part.get("reason")}

    async def until_green(self, service: str, timeout_s: float = 30) -> float:
        """Wait until a service is ready; the seconds that took."""
        began = asyncio.get_running_loop().time()
        red: dict[str, str] = {}

        async def is_green() -> bool:
            nonlocal red
            red = await self.reasons(service)
            return not red

        try:
            await until(is_green, timeout_s)
        except AssertionError:
            raise AssertionError(f"{service} is not green after {timeout_s} s: {red}") from None
        return asyncio.get_running_loop().time() - began

    async def until_red(self, service: str, component: str, timeout_s: float = 30) -> str:
        """Wait until a component of a service is red; the reason it gives."""

        async def why() -> str:
            return (await self.reasons(service)).get(component, "")

        return await until(why, timeout_s, f"{service}: {component} goes red")

    async def journey(self, call_id: str) -> dict[str, Any] | None:
        """One call as the report knows it; None while it does not."""
        answer = await self.client.get(f"{self.suite.urls['report']}/v1/calls/{call_id}")
        return dict(answer.json()) if answer.is_success else None

    async def journeys(self, call_ids: Iterable[str], timeout_s: float = 40) -> dict[str, dict[str, Any]]:
        """The calls when the report holds everything there will be of them."""
        found: dict[str, dict[str, Any]] = {}
        for call_id in call_ids:

            async def settled(call_id: str = call_id) -> bool:
                journey = await self.journey(call_id)
                if journey is not None:
                    found[call_id] = journey
                return journey is not None and is_settled(journey)

            try:
                await until(settled, timeout_s)
            except AssertionError:
                raise AssertionError(f"the report does not end call {call_id}: {found.get(call_id)}") from None
        return found

    async def entries(self) -> dict[str, dict[str, Any]]:
        """Who waits, by call."""
        return {entry["call_id"]: entry for entry in await self.get("acd", "/v1/entries")}

    # --- people ------------------------------------------------------------------------------------------------------
    async def agents_ready(self, *phones: PhoneScript, without: Iterable[str] = ()) -> None:
        """Every agent but ``without`` is ready, at a phone that does what its script says."""
        for phone in phones:
            self.sim.set_phone(phone)
        for agent in AGENTS:
            if agent in without:
                await self.post("ctiserver", f"/v1/agents/{agent}/not-ready", {"reason": "test"})
            else:
                await self.post("ctiserver", f"/v1/agents/{agent}/ready")

    def call(self, caller: Caller) -> str:
        """Let somebody call."""
        call_id = self.sim.place_call(caller)
        assert call_id is not None
        return call_id

    def hang_up(self, call_id: str) -> None:
        """The caller hangs up."""
        self.sim.api("sim_hangup", call_id)

    async def leave_at(self, call_id: str, flow_node: str, timeout_s: float = 40) -> None:
        """Let the caller hang up when the flow has brought him there."""

        async def is_there() -> bool:
            journey = await self.journey(call_id)
            return journey is not None and any(flow_node in s["path"] for s in journey["sessions"])

        await until(is_there, timeout_s, f"the flow reaches {flow_node}")
        self.hang_up(call_id)

    def is_up(self, call_id: str) -> bool:
        """Whether the channel exists on the switch."""
        return call_id in self.sim.engine.kernel.channels

    def partner(self, call_id: str) -> str:
        """The leg the caller is joined to; empty when there is none."""
        channel = self.sim.engine.kernel.channels.get(call_id)
        return (channel.bridged_to or "") if channel else ""

    async def until_over(self, call_ids: Iterable[str], timeout_s: float = 60) -> None:
        """Wait until those calls have left the switch."""
        left = list(call_ids)
        await until(lambda: not any(map(self.is_up, left)), timeout_s, "the calls end by themselves")

    async def until_empty(self, timeout_s: float = 15) -> None:
        """Wait until nothing is left on the switch."""
        channels = self.sim.engine.kernel.channels
        try:
            await until(lambda: not channels, timeout_s)
        except AssertionError:
            raise AssertionError(f"left on the switch: {self.sim.api('sim_state', '')}") from None

    # --- the log -----------------------------------------------------------------------------------------------------
    def bus(self) -> KafkaBus:
        """A bus of our own to the same broker."""
        assert self.suite.plan.kafka is not None
        return KafkaBus(KafkaSettings(self.suite.plan.kafka), self.clock)

    async def acd_log(self) -> list[tuple[datetime, AcdPayload]]:
        """All events of acd, in their order."""
        bus = self.bus()
        await bus.start()
        try:
            await bus.reached(20)
            async with bus.replay(ACD.name, BEGINNING) as past:
                read = [received_from(record).event async for record in past]
        finally:
            await bus.stop()
        return [(event.time, event.data) for event in read if isinstance(event.data, AcdPayload)]

    async def totals(self) -> dict[str, Totals]:
        """Invariant I6 by the report, the board and the log."""
        bus = self.bus()
        await bus.start()
        try:
            await bus.reached(20)
            return await self.stage.totals(bus)
        finally:
            await bus.stop()


def is_settled(found: dict[str, Any]) -> bool:
    """Whether the report holds everything there will be of this call."""
    stays, offers, sessions = found["stays"], found["offers"], found["sessions"]
    if not found["ended_at"] or not sessions or any(not s["ended_at"] for s in sessions):
        return False
    if any(not s["outcome"] for s in stays) or any(not o["outcome"] for o in offers):
        return False
    answered = [s for s in stays if s["outcome"] == "answered"]
    return not answered or (bool(found["recordings"]) and all(s["talk_ms"] is not None for s in answered))


def plan_for(folder: Path, kafka: str | None, **given: Any) -> Plan:
    """A plan on free ports that touches nothing but ``folder``."""
    return Plan(var=folder / "var", kafka=kafka, organisation=BANK, any_ports=True, **given)


@asynccontextmanager
async def town(plan: Plan, hold_back: Iterable[str] = ()) -> AsyncIterator[Town]:
    """Everything started but what is to be ``hold_back``; not yet waited for."""
    told = {"IPCC_KAFKA_SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S)}
    async with AsyncExitStack() as stack:
        suite, family = await stack.enter_async_context(running_family(plan, told, hold_back))
        client = await stack.enter_async_context(suite.client())
        yield Town(suite, family, client)
