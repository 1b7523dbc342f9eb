"""The suite, one process a service and two of ivr, with callers who stand in every kind of flow node; and what each of them hears."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipcc.cli.journeys import CARDS
from ipcc.cli.plan import FLOWS, Plan
from ipcc.sim.outputs import Output, PlaybackStarted, SimEvent
from ipcc.sim.people import Caller, PhoneScript
from tests.live.kinds import Middle, failing, middles, number_of, plan_of
from tests.live.test_node_kinds import slow_system
from tests.live.test_transfer_flow import AMOUNT, TARGET
from tests.load.stage import replica_of
from tests.support.kafka_broker import free_port
from tests.support.until import until
from tests.system.town import Town, town

CARD, PIN = CARDS["1001"]
REPLICAS = ("ivr", "ivr-1")
MOVING = "transfer of money"
KEY_S = 0.06
# nobody stays at these: a caller is at what comes right behind
PASSED = {"return", "language", "opening_hours", "decide", "set", "hang_up"}
CALLBACK = {"queue": "retail"} | failing("end", "next", "on_declined", "on_refused", "on_unavailable")
# what whoever stands there is told again once he is taken up; nothing where music or ringing goes on
TOLD_AGAIN = {
    "play": "main-menu",
    "say": "balance-is",
    "menu": "main-menu",
    "collect": "enter-pin",
    "identify": "enter-card",
    "bank": "enter-card",
    "http": "",
    "record": "leave-message",
    "voicemail": "leave-message",
    "recognise": "main-menu",
    "queue": "",
    "transfer": "",
    "survey": "rate-service",
    "sub_flow": "main-menu",
    "callback": "callback-where",
    MOVING: "",
}


# what became of his order, of which the bank is asked before he is spoken to; or that his password died with the replica
SETTLED = ("not-booked", "transfer-done", "outcome-unknown", "request-failed", "system-busy")


@dataclass
class Heard:
    """What one caller heard: prompts with their moments, and since when nothing plays, or when that ended; seconds of the loop."""

    prompts: list[tuple[float, str]] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    first_order_at: dict[str, float] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    quiet_since: float | None = None

    def begin(self, application: str, at: float) -> None:
        """Something plays, or it is his turn to key or speak."""
        if self.quiet_since is not None:
            self.gaps.append((self.quiet_since, at))
            self.quiet_since = None
        self.running.add(application)

    def end(self, application: str, at: float) -> None:
        """That is over."""
        self.running.discard(application)
        if not self.running and self.quiet_since is None:
            self.quiet_since = at

    def silence_after(self, moment: float) -> float:
        """The longest time without anything since then, that in which it falls included."""
        return max((end - begin for begin, end in self.gaps if end > moment), default=0.0)

    def taken_up(self, moment: float) -> float | None:
        """So long after ``moment`` the next prompt began; None when none has."""
        return next((at - moment for at, _ in self.prompts if at > moment), None)

    def since(self, moment: float) -> list[str]:
        """The prompts begun since then."""
        return [path for at, path in self.prompts if at > moment]


class Ear:
    """Hears what every caller hears, at the switch itself."""

    def __init__(self) -> None:
        self.heard: dict[str, Heard] = {}

    def hear(self, output: Output) -> None:
        """Everything that leaves the switch."""
        now = asyncio.get_running_loop().time()
        if isinstance(output, PlaybackStarted) and output.uuid in self.heard:
            self.heard[output.uuid].prompts.append((now, output.path))
        if not isinstance(output, SimEvent):
            return
        one = self.heard.get(str(output.headers.get("Unique-ID", "")))
        application = str(output.headers.get("Application", ""))
        if one is None or application in ("park", "answer"):
            return
        if output.name == "CHANNEL_EXECUTE":
            one.begin(application, now)
        elif output.name == "CHANNEL_EXECUTE_COMPLETE":
            one.end(application, now)


@dataclass
class House:
    """The suite with two replicas of ivr, and its callers by what they stand at."""

    town: Town
    kinds: tuple[Middle, ...]
    ear: Ear = field(default_factory=Ear)
    callers: dict[str, str] = field(default_factory=dict)
    _number: int = 0

    def place(self, kind: str) -> str:
        """Somebody calls to stand there."""
        self._number += 1
        names = [middle.kind for middle in self.kinds]
        dialled = "95500" if kind == MOVING else number_of(names.index(kind))
        caller = Caller(f"1380000{self._number:04}", dialled, variables={"ipcc_trunk": "test"})
        call = self.town.call(caller)
        self.callers[call] = kind
        self.ear.heard[call] = Heard()
        return call

    async def press(self, calls: Iterable[str], prompt: str, digits: str, nth: int = 1) -> None:
        """Each keys that once he hears the prompt."""

        async def one(call: str) -> None:
            def count() -> int:
                return sum(f"/{prompt}." in path for _, path in self.ear.heard[call].prompts)

            await until(lambda: count() >= nth, 40, f"{self.callers[call]} hears {prompt}")
            for digit in digits:
                self.town.sim.engine.phones.press(call, digit)
                await self.town.clock.sleep(KEY_S)

        await asyncio.gather(*map(one, calls))

    def standing(self, kind: str) -> list[str]:
        """The callers of that kind."""
        return [call for call, one in self.callers.items() if one == kind]

    async def sessions(self, replica: str) -> dict[str, dict[str, Any]]:
        """What a replica says of everybody's session, by call."""
        return {one["call_id"]: one for one in await self.town.get(replica, "/v1/sessions")}

    async def fault(self, mode: str, **more: Any) -> None:
        """From now on the bank goes wrong so."""
        url = f"{self.town.suite.urls['bankcore']}/v1/stand-in/fault"
        (await self.town.client.put(url, json={"mode": mode, **more})).raise_for_status()

    async def bookings(self) -> tuple[bool, int]:
        """Whether the bank's books balance, and how many bookings there are."""
        found = await self.town.get("bankcore", "/v1/stand-in/proof")
        return bool(found["balanced"]), int(found["bookings"])

    async def gather(self, copies: int) -> None:
        """So many callers of every kind come to their nodes, those who are not there for long last."""
        movers = [self.place(MOVING) for _ in range(copies)]
        ways = [("choose-language", "1", 1), ("main-menu", "4", 1), ("enter-any-number", CARD + "#", 1)]
        ways += [("enter-pin", PIN + "#", 1), ("transfer-menu", "1", 1), ("enter-target", TARGET + "#", 1)]
        ways += [("enter-amount", AMOUNT + "#", 1), ("confirm", "1", 1)]
        for prompt, digits, nth in ways:
            await self.press(movers, prompt, digits, nth)
        for kind in ("queue", "transfer", "http", "survey", "identify", "collect", "callback"):
            for _ in range(copies):
                self.place(kind)
        await self.press(self.standing("survey"), "rate-service", "3")
        await self.press(self.standing("identify"), "enter-card", CARD + "#")
        await self.fault("slow", delay_ms=3_500)
        for kind in ("bank", "record", "voicemail", "recognise", "menu", "play", "say", "sub_flow"):
            for _ in range(copies):
                self.place(kind)
        await asyncio.gather(
            self.press(self.standing("bank"), "enter-card", CARD + "#"), self.press(movers, "enter-pin", PIN + "#", 2)
        )


@asynccontextmanager
async def house(folder: Path, kafka: str, session_timeout_s: float) -> AsyncIterator[House]:
    """All of it, ready for callers."""
    kinds = tuple(m for m in middles(PIN) if m.kind not in PASSED)
    kinds = (*kinds, Middle("callback", CALLBACK, "callback-where"))
    plan = plan_of(Plan(var=folder / "var", kafka=kafka, any_ports=True, auth="none"), folder, kinds)
    for flow in FLOWS.glob("*.json"):
        shutil.copy(flow, plan.flows)
    text = plan.organisation.read_text(encoding="utf-8")
    point = "- {id: main, name: main, number: '95500', flow: bank-main, organisation: bank}"
    plan.organisation.write_text(text.replace("entry_points:\n", f"entry_points:\n{point}\n"), encoding="utf-8")
    async with slow_system() as slow, town(plan, hold_back=("ivr",)) as made:
        first = made.family.child("ivr")
        first.environment |= {
            "IPCC_KAFKA_SESSION_TIMEOUT_S": str(session_timeout_s),
            "IPCC_IVR__FLOWS_FROM_FILES": "true",
            "IPCC_IVR__HTTP_SERVICES": json.dumps({"slow": slow}),
            "IPCC_IVR__RECOGNISER_URL": "ws://127.0.0.1:1",
        }
        port = free_port()
        second = replica_of(first, REPLICAS[1], port)
        made.suite.urls[REPLICAS[1]] = f"http://127.0.0.1:{port}"
        made.family.let_go("ivr")
        made.family.add(second)
        await made.stage.until_green(90)
        found = House(made, kinds)
        made.sim.add_listener(found.ear.hear)
        # it rings for as long as somebody wants
        made.sim.set_phone(PhoneScript("1006", answer_after_s=None))
        made.sim.register("1006")
        yield found
