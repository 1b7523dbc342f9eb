"""Plays the demonstration's scenes on the simulated switch and asks the services' own APIs what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx

from ipcc.auth.principal import Role
from ipcc.bus import BEGINNING, Bus, received_from
from ipcc.cli.calling_back import CallingBack
from ipcc.cli.journeys import Journey, Leaving, Scene
from ipcc.cli.suite import Suite
from ipcc.cli.verdict import OUTCOMES, Result, Totals, is_settled, judge
from ipcc.clock import Clock
from ipcc.contracts.acd import EntryEnded, EntryQueued
from ipcc.contracts.topics import ACD
from ipcc.errors import Invalid
from ipcc.sim.switch import SimSwitch

CALL_TIMEOUT_S = 150.0
SETTLE_TIMEOUT_S = 60.0
LOOK_S = 0.2
BETWEEN_CALLS_S = 0.4
# what is administered goes over the bus
HEARD_S = 1.0
Tell = Callable[[Result], None]


class Stage:
    """The suite as its users see it: REST, and people at simulated phones."""

    def __init__(self, suite: Suite, client: httpx.AsyncClient, clock: Clock) -> None:
        if suite.sim is None:
            raise Invalid("demo.real_switch", "the demonstration plays simulated people: leave --switch out")
        self._sim: SimSwitch = suite.sim
        self._urls = suite.urls
        self._token_of = suite.token_of
        self._client = client
        self._clock = clock
        self.began: datetime = clock.now()

    async def prepare(self, agents: tuple[str, ...]) -> None:
        """Wait until every service is green, let the phones register and the agents sign in."""
        await self.until_green()
        for agent in agents:
            self._sim.register(agent)
        for agent in agents:
            await self._until_signed_in(agent)

    async def until_green(self, timeout_s: float = 60) -> None:
        """Return when every service is ready. Raises Invalid naming what is not."""
        red: dict[str, str] = {}
        for _ in range(int(timeout_s / LOOK_S)):
            red = {name: why for name in self._urls if (why := await self._why_red(name))}
            if not red:
                return
            await asyncio.sleep(LOOK_S)
        raise Invalid("demo.not_ready", "not ready: " + "; ".join(f"{name}: {why}" for name, why in red.items()))

    async def play(self, scene: Scene, tell: Tell) -> list[Result]:
        """Play one scene to its end; ``tell`` hears each call's result as it comes."""
        await self._set(scene)
        running = []
        for journey in scene.journeys:
            running.append(asyncio.get_running_loop().create_task(self._call(journey)))
            await asyncio.sleep(BETWEEN_CALLS_S)
        if scene.relief:
            await self._until_state(scene.ready[0], {"not_ready"})
            await self._post("ctiserver", f"/v1/agents/{scene.relief}/ready")
        results = []
        for done in asyncio.as_completed(running):
            result = await done
            tell(result)
            results.append(result)
        await self._clear(scene)
        return results

    async def _set(self, scene: Scene) -> None:
        for phone in scene.phones:
            self._sim.set_phone(phone)
        for agent in scene.ready:
            await self._post("ctiserver", f"/v1/agents/{agent}/ready")
        if scene.closed:
            await self._close(scene.closed, is_closed=True)

    async def _clear(self, scene: Scene) -> None:
        if scene.closed:
            await self._close(scene.closed, is_closed=False)
        for agent in (*scene.ready, *filter(None, [scene.relief])):
            await self._until_state(agent, {"ready", "not_ready"})
            await self._post("ctiserver", f"/v1/agents/{agent}/not-ready", {"reason": "demo"})

    async def totals(self, bus: Bus) -> dict[str, Totals]:
        """Invariant I6 by the report, by the board and by acd's own log."""
        since = (self.began - timedelta(minutes=1)).isoformat()
        report = await self._get("report", "/v1/reports/queue-intervals", since=since, minutes=30)
        board = (await self._get("monitor", "/v1/board"))["totals"]
        names = ("offered", *OUTCOMES)
        return {
            "report": Totals(**{n: sum(q[n] for q in report["totals"]) for n in (*names, "still_waiting")}),
            "board": Totals(**{n: board[n] for n in names}, still_waiting=board["waiting"]),
            "log": await _log_totals(bus),
        }

    async def _call(self, journey: Journey) -> Result:
        call_id = self._sim.place_call(journey.caller)
        if call_id is None:
            result = Result("", journey.title)
            result.problems.append("the switch refused the call")
            return result
        if journey.leaving is not None:
            await self._leave(call_id, journey.leaving)
        await self._until_over(call_id)
        found: dict[str, Any] | None = None
        for _ in range(int(SETTLE_TIMEOUT_S / LOOK_S)):
            found = await self._look("report", f"/v1/calls/{call_id}")
            if found is not None and is_settled(found, journey.expected):
                break
            await asyncio.sleep(LOOK_S)
        result = judge(call_id, journey, found)
        if journey.called_back_by:
            calling = CallingBack(self._client, self._urls, self._token_of(journey.called_back_by, Role.AGENT))
            result.voicemail = await calling.play(call_id, journey.called_back_by, result.problems)
        return result

    async def _close(self, queue: str, *, is_closed: bool) -> None:
        """As an administrator does; and wait until acd has heard of it."""
        stored = (await self._get("admin", f"/v1/queue/{queue}"))["object"]
        answer = await self._client.put(f"{self._urls['admin']}/v1/queue/{queue}", json={**stored, "closed": is_closed})
        answer.raise_for_status()
        await self._clock.sleep(HEARD_S)

    async def _leave(self, call_id: str, leaving: Leaving) -> None:
        """Hang up once the call is where the caller loses patience."""
        for _ in range(int(CALL_TIMEOUT_S / LOOK_S)):
            if await self._is_at(call_id, leaving.at):
                await asyncio.sleep(leaving.after_s)
                break
            await asyncio.sleep(LOOK_S)
        self._sim.api("sim_hangup", call_id)

    async def _is_at(self, call_id: str, place: str) -> bool:
        found = await self._look("report", f"/v1/calls/{call_id}")
        if found is None:
            return False
        if place == "queue":
            return bool(found["stays"])
        if place == "ringing":
            # the agent's leg is tagged with the call and rings
            return any(leg["role"] == "agent" and not leg["ended_at"] for leg in found["legs"])
        return any(place in session["path"] for session in found["sessions"])

    async def _until_over(self, call_id: str) -> None:
        for _ in range(int(CALL_TIMEOUT_S / LOOK_S)):
            if call_id not in self._sim.engine.kernel.channels:
                return
            await asyncio.sleep(LOOK_S)
        self._sim.api("uuid_kill", call_id)

    async def _until_signed_in(self, agent: str, timeout_s: float = 30) -> None:
        """A phone is known a moment after it registered: until then signing in is refused."""
        for _ in range(int(timeout_s / LOOK_S)):
            answer = await self._client.post(
                f"{self._urls['ctiserver']}/v1/agents/{agent}/sign-in", json={"phone": agent, "ready": False}
            )
            if answer.is_success:
                return
            await asyncio.sleep(LOOK_S)
        raise Invalid("demo.sign_in", f"agent {agent} cannot sign in: {answer.text}")

    async def _until_state(self, agent: str, states: set[str], timeout_s: float = 60) -> None:
        state = ""
        for _ in range(int(timeout_s / LOOK_S)):
            found = await self._look("ctiserver", f"/v1/agents/{agent}")
            state = str((found or {}).get("state", ""))
            if state in states:
                return
            await asyncio.sleep(LOOK_S)
        raise Invalid(
            "demo.agent", f"agent {agent} is {state}, not {' or '.join(sorted(states))}, after {timeout_s:g} s"
        )

    async def _why_red(self, name: str) -> str:
        try:
            answer = await self._client.get(f"{self._urls[name]}/health/ready")
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        if answer.is_success:
            return ""
        parts = answer.json().get("components", {})
        return ", ".join(f"{part}: {state['reason']}" for part, state in parts.items() if state.get("reason"))

    async def _look(self, service: str, path: str) -> dict[str, Any] | None:
        answer = await self._client.get(self._urls[service] + path)
        if answer.status_code in (404, 503):
            return None
        answer.raise_for_status()
        return dict(answer.json())

    async def _get(self, service: str, path: str, **query: Any) -> dict[str, Any]:
        answer = await self._client.get(self._urls[service] + path, params=query)
        answer.raise_for_status()
        return dict(answer.json())

    async def _post(self, service: str, path: str, body: dict[str, Any] | None = None) -> None:
        answer = await self._client.post(self._urls[service] + path, json=body)
        if not answer.is_success:
            raise Invalid("demo.refused", f"{service}{path}: {answer.status_code} {answer.text}")


async def _log_totals(bus: Bus) -> Totals:
    queued: set[str] = set()
    ended: dict[str, str] = {}
    async with bus.replay(ACD.name, BEGINNING) as past:
        async for record in past:
            data = received_from(record).event.data
            if isinstance(data, EntryQueued):
                queued.add(data.entry_id)
            elif isinstance(data, EntryEnded):
                ended[data.entry_id] = data.outcome.value
    counts = {name: sum(outcome == name for outcome in ended.values()) for name in OUTCOMES}
    return Totals(offered=len(queued), **counts, still_waiting=len(queued) - len(ended))
