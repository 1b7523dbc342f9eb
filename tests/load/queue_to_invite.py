"""How long a caller waits for a phone to ring when an agent is free, on the real switch of ``tests/live/real.py``.

``python -m tests.load.queue_to_invite [calls]`` starts the suite in a process of its own and makes calls one by one, two agents
idle, nothing else running; it prints a table beside mod_callcenter, recorded the same way on 1.10.12 (60 calls). Two ways in:
``straight``: the flow is a queue and nothing else, as mod_callcenter's dialplan was; ``menu``: key 0 in the bank's menu.
The design's target is 1/5 of mod_callcenter, median and p99.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from ipcc.cli.plan import DEMO_ORGANISATION, FLOWS
from ipcc.cli.remote import FILE, Running, read
from ipcc.clock import SystemClock
from ipcc.sim.people import PhoneScript
from tests.live.by_sip import RegisteredPhone, SipLine, SipPeople
from tests.live.ear import Ear
from tests.live.real import RealSwitch, real_switch, site_of
from tests.live.telephone.call import Call
from tests.live.telephone.stream import GAP_PACKETS, PACKET_S
from tests.support.until import until

AGENTS = ("1001", "1002")
MENU, STRAIGHT = "95500", "80001"
# transcripts 16c of the recorded switch: 200 OK at the caller to INVITE at the agent's phone
MOD_CALLCENTER_MS = (1.8, 54.0, 83.4, 101.3, 103.2)


@dataclass
class Measured:
    """Milliseconds of every call, by what was measured."""

    queued_to_invite: list[float] = field(default_factory=list)
    cause_to_invite: list[float] = field(default_factory=list)
    """From what the caller noticed last: the 200 OK (straight), or the end of his key (menu)."""
    not_rung: int = 0
    """Calls for which no phone rang within ten seconds."""


async def main(calls: int) -> int:
    switch = real_switch()
    if switch is None:
        print("IPCC_LIVE_SWITCH names no real switch: see tests/live/real.py")
        return 2
    ear = Ear()
    await ear.open(switch.address, switch.password)
    people = SipPeople(await site_of(ear, switch.phone_passwords))
    await ear.close()
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with suite(switch, Path(folder)) as running, running.client() as client:
                floor = Floor(running, client, people)
                await floor.open()
                straight = await measure(floor, STRAIGHT, calls)
                menu = await measure(floor, MENU, calls)
    finally:
        await people.close()
    report(calls, straight, menu)
    return 0


@asynccontextmanager
async def suite(switch: RealSwitch, folder: Path) -> AsyncIterator[Running]:
    """``ipcc up`` in a process of its own, with one more entry point that leads straight into the queue."""
    organisation = yaml.safe_load(DEMO_ORGANISATION.read_text(encoding="utf-8"))
    entry = {"id": "straight", "name": "straight", "number": STRAIGHT, "flow": "straight", "organisation": "bank"}
    organisation["entry_points"].append(entry)
    (folder / "organisation.yaml").write_text(yaml.safe_dump(organisation, allow_unicode=True), encoding="utf-8")
    flows = folder / "flows"
    flows.mkdir()
    for flow in FLOWS.glob("*.json"):
        (flows / flow.name).write_text(flow.read_text(encoding="utf-8"), encoding="utf-8")
    (flows / "straight.json").write_text(json.dumps(straight_flow()), encoding="utf-8")
    var = folder / "var"
    options = ["--switch", f"{switch.address.node_id}={switch.address.host}:{switch.address.port}"]
    options += [
        "--esl-password-file",
        str(switch.password_file),
        "--spool",
        str(switch.spool),
        "--sounds",
        switch.sounds,
    ]
    options += [
        "--organisation",
        str(folder / "organisation.yaml"),
        "--flows",
        str(flows),
        "--var",
        str(var),
        "--any-ports",
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ipcc.cli", "up", *options, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await until(lambda: (var / FILE).exists() or process.returncode is not None, 60, "the suite is up")
        yield read(var)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def straight_flow() -> dict[str, Any]:
    """A queue and nothing else."""
    return {
        "id": "straight",
        "version": 1,
        "name": {"en": "Straight into the queue", "zh": "直接排队"},
        "languages": ["zh"],
        "start": "to-agent",
        "resume": "to-agent",
        "nodes": {
            "to-agent": {"kind": "queue", "queue": "retail", "on_refused": "end", "on_overflow": "end"},
            "end": {"kind": "hang_up"},
        },
    }


@dataclass
class Floor:
    """Agents at their phones, and a suite that serves them."""

    running: Running
    client: httpx.AsyncClient
    people: SipPeople
    phones: dict[str, RegisteredPhone] = field(default_factory=dict)

    async def open(self) -> None:
        """Register and sign in, ready."""
        for number in AGENTS:
            phone = self.phones[number] = await self.people.phone(number)
            phone.behave(PhoneScript(number, answer_after_s=0.1))
            await phone.register()
            path = f"/v1/agents/{number}/sign-in"
            await until(lambda path=path: self._is_done(path, {"ready": True}), 30, "signed in")  # type: ignore[misc]

    async def until_ready(self) -> None:
        """End the after-call work and wait until everybody is idle."""
        for number in AGENTS:
            await until(lambda number=number: self._is_idle(number), 15, f"{number} is ready")  # type: ignore[misc]

    def rung(self) -> Call | None:
        """The call at an agent's phone."""
        calls = [call for phone in self.phones.values() for call in phone.sip.calls]
        return next((call for call in calls if not call.is_over), None)

    async def next_call(self) -> Call | None:
        """The call that arrives at an agent's phone within ten seconds."""
        try:
            found: Call | None = await until(self.rung, 10)
        except AssertionError:
            return None
        return found

    async def entered_at(self, number: str, since: datetime) -> float | None:
        """When the call of that caller's number entered the queue, in seconds since 1970."""
        calls = await self._get("report", f"/v1/calls?since={since.isoformat().replace('+', '%2B')}")
        for call in calls:
            if call["caller_number"] == number:
                stays = (await self._get("report", f"/v1/calls/{call['call_id']}"))["stays"]
                if stays and stays[0]["entered_at"]:
                    return datetime.fromisoformat(stays[0]["entered_at"]).timestamp()
        return None

    async def _is_idle(self, number: str) -> bool:
        state = (await self._get("ctiserver", f"/v1/agents/{number}"))["state"]
        if state == "wrap_up":
            await self._is_done(f"/v1/agents/{number}/wrap-up/end", {})
        return bool(state == "ready")

    async def _is_done(self, path: str, body: dict[str, Any]) -> bool:
        return (await self.client.post(self.running.urls["ctiserver"] + path, json=body)).is_success

    async def _get(self, service: str, path: str) -> Any:
        return (await self.client.get(self.running.urls[service] + path)).raise_for_status().json()


async def measure(floor: Floor, dialled: str, calls: int) -> Measured:
    """Calls one by one."""
    measured = Measured()
    clock, loop = SystemClock(), asyncio.get_running_loop()
    for index in range(calls):
        await floor.until_ready()
        # the switch stamps its events on a grid, and its clock may be another
        began = clock.now() - timedelta(minutes=1)
        number = f"139{clock.now():%H%M%S}{index:03d}"
        line = await floor.people.call(number, dialled)
        await until(lambda line=line: line.is_answered, 10, "the switch answers")  # type: ignore[misc]
        cause = line.call.answered_at if dialled == STRAIGHT else await press_agent(line)
        ringing = await floor.next_call()
        if ringing is None or cause is None:
            measured.not_rung += 1
            await line.hang_up()
            continue
        measured.cause_to_invite.append((ringing.began_at - cause) * 1000)
        await until(lambda ringing=ringing: ringing.answered_at, 5, "the agent answers")  # type: ignore[misc]
        await line.hear()
        await line.hang_up()
        await until(lambda ringing=ringing: ringing.is_over, 5, "the agent's phone is hung up")  # type: ignore[misc]
        entered: float | None = await until(
            lambda number=number, began=began: floor.entered_at(number, began),  # type: ignore[misc]
            10,
            "the report",
        )
        assert entered is not None
        offset = clock.now().timestamp() - loop.time()
        measured.queued_to_invite.append((ringing.began_at + offset - entered) * 1000)
    return measured


async def press_agent(line: SipLine) -> float:
    """Key 0 in the menu, half a second into the prompt; when the key was released."""
    await line.hear()
    await line.press("0")
    return asyncio.get_running_loop().time() - GAP_PACKETS * PACKET_S


def report(calls: int, straight: Measured, menu: Measured) -> None:
    """The table."""
    rows = (
        ("mod_callcenter: 200 OK at the caller -> INVITE (recorded, 60 calls)", MOD_CALLCENTER_MS),
        ("straight: wait clock begins (before the answer) -> INVITE", spread(straight.queued_to_invite)),
        ("straight: 200 OK at the caller -> INVITE", spread(straight.cause_to_invite)),
        ("menu: entry queued -> INVITE", spread(menu.queued_to_invite)),
        ("menu: key released -> INVITE", spread(menu.cause_to_invite)),
    )
    print(f"{calls} calls each, one by one, two agents idle; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"no phone rang within 10 s: straight {straight.not_rung}, menu {menu.not_rung}")
    print(f"{'ms':70}{'min':>8}{'median':>8}{'p90':>8}{'p99':>8}{'max':>8}")
    for what, values in rows:
        print(f"{what:70}" + "".join(f"{value:8.1f}" for value in values))
    for what, ours in (
        ("200 OK -> INVITE", straight.cause_to_invite),
        ("entry queued -> INVITE", menu.queued_to_invite),
    ):
        median, p99 = (MOD_CALLCENTER_MS[at] / spread(ours)[at] for at in (1, 3))
        print(f"mod_callcenter / ours, {what}: median {median:.1f}, p99 {p99:.1f}; the target is 5")


def spread(values: Sequence[float]) -> tuple[float, ...]:
    """min, median, p90, p99 and max."""
    ordered = sorted(values)
    at = (0.0, 0.5, 0.9, 0.99, 1.0)
    return tuple(ordered[round(share * (len(ordered) - 1))] for share in at)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)))
