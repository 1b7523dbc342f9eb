"""A caller talking to an agent through the whole suite, what call control does to them, and the call's record as told on the topic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.bus.events import received_from
from ipcc.bus.port import BEGINNING
from ipcc.cli.suite import Suite
from ipcc.clock import SystemClock
from ipcc.contracts import call as told
from ipcc.contracts.topics import CALL
from ipcc.settings import ServiceSettings
from ipcc.sim.people import PhoneScript
from tests.live.bench import Arrival, Bench
from tests.live.people import Phone
from tests.support.until import until

AGENT, THIRD, SUPERVISOR = "1001", "1002", "1005"
SUPERVISOR_HZ = 1870

Record = dict[str, list[str]]
"""What was told of each leg, in order. Not told here: when, and which leg was told of first."""


@dataclass
class Talk:
    """``agent`` is the agent's leg."""

    bench: Bench
    call: Arrival
    phone: Phone
    agent: str = ""

    async def do(self, verb: str, leg: str = "", body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Order something about a leg, and have it done."""
        answer = await self.bench.post("ctiserver", f"/v1/legs/{leg or self.agent}/{verb}", body)
        found: dict[str, Any] = answer.json()
        return found

    async def to_phone(self, verb: str, phone: str = THIRD) -> dict[str, Any]:
        return await self.do(verb, body={"to": {"kind": "phone", "value": phone}})

    async def legs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.bench.get("ctiserver", f"/v1/calls/{self.call.id}"))["legs"]
        return found

    async def leg_at(self, address: str) -> str:
        """The live leg at that phone."""

        async def live() -> str:
            here = [leg["leg_id"] for leg in await self.legs() if leg["address"] == address and not leg["ended_at"]]
            return here[0] if here else ""

        return await until(live, what=f"a leg at {address}")

    async def are_joined(self, leg: str, other: str) -> None:
        async def is_so() -> bool:
            return any(one["leg_id"] == leg and one["bridged_to"] == other for one in await self.legs())

        await until(is_so, what=f"{leg} talks to {other}")


@asynccontextmanager
async def talking(bench: Bench) -> AsyncIterator[Talk]:
    """A new caller talks to the agent; at the end the caller hangs up, if he has not, and the switch is empty."""
    phone = await bench.agent(AGENT, ready=False)
    for number, hertz in ((THIRD, 0), (SUPERVISOR, SUPERVISOR_HZ)):
        other = await bench.people.phone(number, hertz)
        other.behave(PhoneScript(number, answer_after_s=0.5))
        await other.register()
    rung = len(phone.lines)
    await bench.try_post("ctiserver", f"/v1/agents/{AGENT}/wrap-up/end", {"code": "done"})
    await bench.post("ctiserver", f"/v1/agents/{AGENT}/ready")
    talk = Talk(bench, await bench.call_for_agent(), phone)
    await until(lambda: len(phone.lines) > rung and phone.lines[-1].is_answered, what="the agent answers")
    talk.agent = await talk.leg_at(AGENT)
    await talk.are_joined(talk.agent, talk.call.id)
    yield talk
    await talk.call.line.hang_up()
    await bench.until_empty()


async def as_supervisor(bench: Bench, method: str, leg: str, verb: str, mode: str = "") -> dict[str, Any]:
    """The supervisor orders something about a leg."""
    suite = bench.suite
    assert suite
    token = issue_development_token(_settings(suite), SystemClock(), SUPERVISOR, [Role.SUPERVISOR])
    url = f"{suite.urls['ctiserver']}/v1/legs/{leg}/{verb}"
    body = {"mode": mode} if mode else None
    answer = await bench.client.request(method, url, json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read_record(talk: Talk) -> Record:
    """The call's record, once it is over."""
    suite = talk.bench.suite
    assert suite

    async def whole() -> list[told.CallPayload]:
        async with suite.parts.bus(_settings(suite)).replay(CALL.name, BEGINNING) as reader:
            events = [received_from(record).event.data async for record in reader]
        mine = [e for e in events if isinstance(e, told.CallPayload) and e.call_id == talk.call.id]
        return mine if any(isinstance(e, told.CallEnded) for e in mine) else []

    return record_of(await until(whole, 20, "the end of the call"), talk.call.id)


def _settings(suite: Suite) -> ServiceSettings:
    return next(service.settings for service in suite.services if service.name == "ctiserver")


def record_of(facts: list[told.CallPayload], call_id: str) -> Record:
    """What was told of each leg, in order, with legs named by who they are."""
    names = {call_id: "customer"}
    for fact in facts:
        if isinstance(fact, told.LegStarted) and fact.leg_id not in names:
            name = fact.address
            names[fact.leg_id] = name if name not in names.values() else f"{name} again"
    record: Record = defaultdict(list)
    for fact in facts:
        if not isinstance(fact, told.LegPayload):
            continue
        word = _word(fact, names)
        record[names[fact.leg_id]].append(word)
        if isinstance(fact, told.LegsBridged | told.LegsUnbridged):
            # said of one of the two, and true of both
            record[names[fact.other_leg_id]].append(_joint(fact, names[fact.leg_id]))
    return dict(record)


def _word(fact: told.LegPayload, names: dict[str, str]) -> str:
    mark = " (found by looking)" if fact.resynced else ""
    match fact:
        case told.LegsBridged() | told.LegsUnbridged():
            word = _joint(fact, names[fact.other_leg_id])
        case told.LegEnded():
            word = f"ended {fact.cause}"
        case told.PartyHeld():
            word = f"waits for {names[fact.by_leg_id]}" if fact.by_leg_id else "parked"
        case told.SupervisionChanged():
            word = f"{fact.mode} {names[fact.target_leg_id]}"
        case told.LegStarted():
            word = f"started as {fact.role}"
        case told.ConsultStarted():
            word = "consults"
        case _:
            word = type(fact).__name__.removeprefix("Leg").removeprefix("Party").lower()
    return word + mark


def _joint(fact: told.LegsBridged | told.LegsUnbridged, other: str) -> str:
    return f"{'talks to' if isinstance(fact, told.LegsBridged) else 'parts from'} {other}"
