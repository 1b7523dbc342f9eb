"""One switch, simulated or real, with the people around it, a witness on its event socket, and the suite that serves it."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from ipcc.cli.plan import Plan
from ipcc.cli.suite import Suite, running_suite
from ipcc.sim.people import PhoneScript
from tests.live.ear import Ear
from tests.live.people import Line, People, Phone
from tests.support.until import until

ENTRY_POINT = "95500"
_numbers = count(13800000001)


@dataclass
class Arrival:
    """A caller's call: as he has it, and its id on the switch."""

    line: Line
    id: str
    number: str


@dataclass
class Recorded:
    """A stored recording as heard: 8 kHz samples of the left and right channel."""

    view: dict[str, Any]
    left: list[int]
    right: list[int]

    @property
    def seconds(self) -> float:
        return len(self.left) / 8000


@dataclass
class Bench:
    """Everything a scenario needs. ``plan`` says how the suite is started; ``name`` is ``simulated`` or ``real``."""

    name: str
    plan: Plan
    people: People
    ear: Ear
    suite: Suite | None = None
    client: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """The suite serves the switch inside this block."""
        async with AsyncExitStack() as stack:
            self.suite = await stack.enter_async_context(running_suite(self.plan))
            self.client = await stack.enter_async_context(self.suite.client())
            for name in self.suite.urls:
                await until(lambda name=name: self._is_green(name), 30, f"{name} is ready")  # type: ignore[misc]
            yield
        self.suite = None

    # --- people -----------------------------------------------------------------------------------------------------

    async def call(self, name: str = "", dialled: str = ENTRY_POINT) -> Arrival:
        """Somebody new calls."""
        number = str(next(_numbers))
        line = await self.people.call(number, dialled, name)
        created = await until(
            lambda: self.ear.heard("CHANNEL_CREATE", Caller_Caller_ID_Number=number, Call_Direction="inbound"),
            what="the call's channel",
        )
        return Arrival(line, created[0].uuid, number)

    async def prompted(self, call: Arrival, prompt: str, nth: int = 1, timeout: float = 20) -> None:
        """Return when the caller begins to hear that prompt for the nth time."""
        await until(
            lambda: len(self.ear.heard("CHANNEL_EXECUTE", call.id, Application_Data=f"/{prompt}.wav")) >= nth,
            timeout,
            f"prompt {prompt}",
        )

    async def call_for_agent(self, name: str = "") -> Arrival:
        """Somebody calls and keys 0 at once: he is queued."""
        call = await self.call(name)
        await self.prompted(call, "choose-language")
        await call.line.press("0")
        await self.until_path(call, "to-agent")
        return call

    async def agent(self, number: str, script: PhoneScript | None = None, *, ready: bool = True) -> Phone:
        """An agent at his registered phone, signed in."""
        phone = await self.people.phone(number)
        phone.behave(script or PhoneScript(number, answer_after_s=0.5))
        await phone.register()
        await until(lambda: self._is_signed_in(number), 15, f"{number} signed in")
        if ready:
            await self.post("ctiserver", f"/v1/agents/{number}/ready")
        return phone

    # --- the suite --------------------------------------------------------------------------------------------------

    async def get(self, service: str, path: str, **query: Any) -> Any:
        """What a service answers; None when it knows nothing of it (404, 503)."""
        assert self.suite is not None
        answer = await self.client.get(self.suite.urls[service] + path, params=query)
        if answer.status_code in (404, 503):
            return None
        answer.raise_for_status()
        return answer.json()

    async def post(self, service: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Order something. Fails when the service refuses."""
        answer = await self.try_post(service, path, body)
        assert answer.is_success, f"{service}{path}: {answer.status_code} {answer.text}"
        return answer

    async def try_post(self, service: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Order something; the answer, whatever it is."""
        assert self.suite is not None
        return await self.client.post(self.suite.urls[service] + path, json=body)

    async def state_of(self, agent: str) -> str:
        """The agent's state by his desktop."""
        return str((await self.get("ctiserver", f"/v1/agents/{agent}") or {}).get("state", ""))

    async def until_state(self, agent: str, state: str, timeout: float = 15) -> None:
        async def is_there() -> bool:
            return await self.state_of(agent) == state

        await until(is_there, timeout, f"agent {agent} is {state}")

    async def until_path(self, call: Arrival, node: str, timeout: float = 15) -> None:
        """Return when the caller is at that node of the flow."""

        async def is_there() -> bool:
            session = await self.get("ivr", f"/v1/sessions/{call.id}")
            return bool(session) and session["at"] == node

        await until(is_there, timeout, f"caller at {node}")

    async def journey(self, call: Arrival, timeout: float = 30) -> dict[str, Any]:
        """The report's word on a call, once it holds everything there will be."""

        async def whole() -> dict[str, Any] | None:
            found = await self.get("report", f"/v1/calls/{call.id}")
            return found if found and _is_whole(found) else None

        found: dict[str, Any] | None = await until(whole, timeout, "the whole call in the report")
        assert found is not None
        return found

    async def recording(self, call: Arrival, timeout: float = 30) -> Recorded:
        """The call's recording from the store."""

        async def stored() -> list[dict[str, Any]]:
            found = await self.get("record", "/v1/recordings", call_id=call.id) or []
            return [one for one in found if one["state"] in ("stored", "failed")]

        views = await until(stored, timeout, "a stored recording")
        assert [view["state"] for view in views] == ["stored"], views
        assert self.suite is not None
        url = f"{self.suite.urls['record']}/v1/recordings/{views[0]['recording_id']}/audio"
        audio = (await self.client.get(url)).raise_for_status().content
        return heard_in(views[0], audio)

    async def until_empty(self, timeout: float = 10) -> None:
        """Return when nothing is left on the switch."""

        async def is_empty() -> bool:
            return not await self.ear.channels()

        try:
            await until(is_empty, timeout, "no leg is left on the switch")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._story(await self.ear.channels())}") from None

    def _story(self, rows: list[dict[str, Any]]) -> str:
        """What the legs in these rows were told to do and did, in order."""
        left = {row["uuid"] for row in rows}
        told = (event for event in self.ear.events if event.uuid in left)
        return "\n".join(
            f"{event.get('Event-Date-Timestamp')} {event.uuid[:8]} {event.name} {event.get('Channel-State')} "
            f"{event.get('Application')} {event.get('Application-Data')}"
            for event in told
        )

    async def _is_green(self, name: str) -> bool:
        assert self.suite is not None
        return (await self.client.get(f"{self.suite.urls[name]}/health/ready")).is_success

    async def _is_signed_in(self, agent: str) -> bool:
        body = {"phone": agent, "ready": False}
        return (await self.try_post("ctiserver", f"/v1/agents/{agent}/sign-in", body)).is_success


def heard_in(view: dict[str, Any], audio: bytes) -> Recorded:
    """A WAV file's channels. Fails when it is not 16-bit stereo at 8 kHz."""
    with wave.open(io.BytesIO(audio)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        data = memoryview(file.readframes(file.getnframes())).cast("h").tolist()
    return Recorded(view, data[0::2], data[1::2])


def _is_whole(found: dict[str, Any]) -> bool:
    parts = [*found["sessions"], *found["stays"], *found["legs"]]
    if not found["ended_at"] or any(not part["ended_at"] for part in parts):
        return False
    if any(not offer["outcome"] for offer in found["offers"]):
        return False
    answered = [stay for stay in found["stays"] if stay["outcome"] == "answered"]
    return not answered or (bool(found["recordings"]) and all(stay["talk_ms"] is not None for stay in answered))


def plan_for(folder: Path, plan: Plan) -> Plan:
    """The plan with everything the suite writes below ``folder``."""
    return replace(plan, var=folder, any_ports=True)
