"""Runs every operation of ctiserver's REST API once, on the simulated switch with the whole suite, and writes down what was said.

The story is told in scenes; what differs from run to run (ids, times, durations) is replaced by invented values of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.bus import Publisher
from ipcc.clock import SystemClock
from ipcc.contracts.recording import VoicemailChanged, VoicemailState
from ipcc.http.examples import Example
from ipcc.ids import new_id
from ipcc.sim.people import PhoneScript
from services.ctiserver.failures import Failures
from services.ctiserver.posting import Poster
from tests.live.bench import Arrival, Bench
from tests.live.people import Phone
from tests.live.talks import AGENT, SUPERVISOR, THIRD
from tests.support.until import until

FOURTH = "1003"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.]*(?:Z|[+-]\d\d:\d\d)")
_NUMBER = re.compile(r"138000000\d\d")
_INVENTED_TIME = "2026-01-05T09:00:00Z"
_INVENTED_NUMBER = "13800000001"


@dataclass
class Scribe:
    """Asks, and writes down the first request of each operation."""

    bench: Bench
    written: dict[tuple[str, str], Example] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        service: str = "ctiserver",
        who: str = "",
        refused: bool = False,
        **parameters: Any,
    ) -> Any:
        """The answer to a request. Fails when it is refused, or, with ``refused``, when it is not."""
        suite = self.bench.suite
        assert suite
        inside = {name: value for name, value in parameters.items() if f"{{{name}}}" in path}
        query = {name: value for name, value in parameters.items() if name not in inside}
        headers = {"Authorization": f"Bearer {self._token(who)}"} if who else {}
        url = suite.urls[service] + path.format(**inside)
        answer = await self.bench.client.request(method, url, json=body, params=query, headers=headers)
        assert answer.is_success != refused, f"{method} {path}: {answer.status_code} {answer.text}"
        found = answer.json() if answer.content else None
        if service == "ctiserver":
            example = Example(
                method=method, path=path, parameters=parameters, body=body, status=answer.status_code, answer=found
            )
            self.written.setdefault(example.operation, example)
        return found

    def examples(self) -> list[Example]:
        """What was written, with invented values, in the order of the story."""
        return [Example.model_validate(self._invented(example.model_dump())) for example in self.written.values()]

    def _invented(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self._invented(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [self._invented(one, name) for one in value]
        if isinstance(value, str):
            known = _UUID.sub(lambda match: self._id(match.group()), value)
            return _NUMBER.sub(_INVENTED_NUMBER, _TIME.sub(_INVENTED_TIME, known))
        return value

    def _id(self, uuid: str) -> str:
        return self._ids.setdefault(uuid, f"01900000-0000-7000-8000-{len(self._ids) + 1:012d}")

    def _token(self, who: str) -> str:
        suite = self.bench.suite
        assert suite
        settings = next(service.settings for service in suite.services if service.name == "ctiserver")
        return issue_development_token(settings, SystemClock(), who, [Role.SUPERVISOR])


@dataclass
class Scene:
    """A caller who talks to the agent; ``leg`` is the agent's."""

    scribe: Scribe
    call: Arrival
    leg: str

    async def do(self, verb: str, body: Any = None, leg: str = "", **given: Any) -> Any:
        return await self.scribe.ask("POST", f"/v1/legs/{{leg_id}}/{verb}", body, leg_id=leg or self.leg, **given)

    async def to(self, verb: str, kind: str, value: str) -> Any:
        return await self.do(verb, {"to": {"kind": kind, "value": value}})

    async def leg_at(self, address: str) -> str:
        """The answered leg at a phone."""

        async def there() -> str:
            call = await self.scribe.bench.get("ctiserver", f"/v1/calls/{self.call.id}")
            legs = [one for one in call["legs"] if one["address"] == address and not one["ended_at"]]
            return next((str(one["leg_id"]) for one in legs if one["answered_at"]), "")

        return await until(there, what=f"a leg at {address}")

    async def are_joined(self, leg: str, other: str) -> None:
        async def is_so() -> bool:
            found = await self.scribe.bench.get("ctiserver", f"/v1/legs/{leg}")
            return bool(found and found["bridged_to"] == other)

        await until(is_so, what="they are joined")

    async def over(self) -> None:
        """The caller hangs up; the agent has nothing to do afterwards."""
        await self.call.line.hang_up()
        await self.scribe.bench.until_empty()
        await until(self._ends_wrap_up, what="the wrap-up is over")

    async def _ends_wrap_up(self) -> bool:
        state = await self.scribe.bench.state_of(AGENT)
        if state == "wrap_up":
            await self.scribe.ask("POST", "/v1/agents/{agent_id}/wrap-up/end", {"code": "done"}, agent_id=AGENT)
        return state in ("ready", "not_ready")


async def tell(bench: Bench) -> list[Example]:
    """The whole story: an example of every operation."""
    scribe = Scribe(bench)
    phones = [await _phone(bench, number) for number in (AGENT, THIRD, FOURTH, SUPERVISOR)]
    hook = await _webhook(scribe)
    await _sign_in(scribe)
    await _looks_and_hold(scribe, phones[0])
    await _consult(scribe, phones[0])
    await _park_and_supervise(scribe, phones[0])
    await _send_on(scribe, phones[0])
    await _dial(scribe, phones[0])
    await _call_back(scribe, phones[0])
    await _line(scribe, phones[0])
    await _failures(scribe, hook)
    await scribe.ask("POST", "/v1/agents/{agent_id}/not-ready", {"reason": "lunch"}, agent_id=AGENT)
    await scribe.ask("POST", "/v1/agents/{agent_id}/sign-out", {"force": False}, agent_id=AGENT)
    return scribe.examples()


async def _phone(bench: Bench, number: str) -> Phone:
    phone = await bench.people.phone(number)
    phone.behave(PhoneScript(number, answer_after_s=0.2))
    await phone.register()

    async def is_known() -> bool:
        listed = await bench.get("ctiserver", "/v1/phones") or []
        return any(one["phone_id"] == number and one["registered"] for one in listed)

    await until(is_known, what=f"phone {number} is registered")
    return phone


async def _webhook(scribe: Scribe) -> str:
    """Somebody is sent events, and takes none but test messages."""
    suite = scribe.bench.suite
    assert suite
    service = next(one for one in suite.services if one.name == "ctiserver")
    failures = next(one for one in service.provides if isinstance(one, Failures))

    def receive(request: httpx.Request) -> httpx.Response:
        return httpx.Response(204 if b"ipcc.webhook.ping" in request.content else 503)

    async def lookup(_host: str, _port: int) -> list[str]:
        return ["203.0.114.7"]

    failures.webhooks.poster = Poster(httpx.AsyncClient(transport=httpx.MockTransport(receive)), resolve=lookup)
    body = {
        "name": "CRM",
        "organisation": "bank",
        "url": "https://crm.bank.example/events",
        "types": ["ipcc.call.arrived"],
    }
    made = await scribe.ask("POST", "/v1/webhooks", body, service="admin")
    hook = str(made["webhook"]["id"])
    await until(lambda: failures.webhooks.find(hook), what="the webhook is known")
    await scribe.ask("POST", "/v1/webhooks/{webhook_id}/ping", webhook_id=hook)
    return hook


async def _failures(scribe: Scribe, hook: str) -> None:
    path = f"/v1/webhooks/{hook}/failures"

    async def given_up() -> Any:
        return (await scribe.bench.get("ctiserver", path))["items"]

    found = await until(given_up, timeout=60, what="an event is given up")
    await scribe.ask("GET", "/v1/webhooks/{webhook_id}/failures", webhook_id=hook, limit=1)
    redeliver = "/v1/webhooks/{webhook_id}/failures/{number}/redeliver"
    await scribe.ask("POST", redeliver, webhook_id=hook, number=found[0]["number"])


async def _sign_in(scribe: Scribe) -> None:
    await scribe.ask("POST", "/v1/agents/{agent_id}/sign-in", {"phone": AGENT, "ready": False}, agent_id=AGENT)
    await scribe.ask("POST", "/v1/agents/{agent_id}/ready", agent_id=AGENT)
    await scribe.ask("GET", "/v1/phones")


async def _talk(scribe: Scribe, phone: Phone) -> Scene:
    rung = len(phone.lines)
    scene = Scene(scribe, await scribe.bench.call_for_agent(), "")
    await until(lambda: len(phone.lines) > rung and phone.lines[-1].is_answered, what="the agent answers")
    scene.leg = await scene.leg_at(AGENT)
    await scene.are_joined(scene.leg, scene.call.id)
    await scribe.bench.until_state(AGENT, "talking")
    return scene


async def _looks_and_hold(scribe: Scribe, phone: Phone) -> None:
    scene = await _talk(scribe, phone)
    await scribe.ask("GET", "/v1/agents/{agent_id}", agent_id=AGENT)
    await scribe.ask("GET", "/v1/calls", limit=1)
    await scribe.ask("GET", "/v1/calls/{call_id}", call_id=scene.call.id)
    await scribe.ask("GET", "/v1/legs", limit=2)
    await scribe.ask("GET", "/v1/legs/{leg_id}", leg_id=scene.leg)
    await scribe.ask("POST", "/v1/calls/{call_id}/data", {"data": {"case": "K-17"}}, call_id=scene.call.id)
    for verb in ("hold", "retrieve", "mute", "unmute"):
        await scene.do(verb)
    await scene.do("digits", {"digits": "12"})
    # no phone here answers by itself: what one is told who asks it of a leg that does not ring
    await scene.do("answer", refused=True)
    await scene.to("send-to-flow", "flow", "verify")
    await scene.do("take-back")
    await scene.are_joined(scene.leg, scene.call.id)
    await _order(scene)
    await scene.over()


async def _order(scene: Scene) -> None:
    scribe, leg = scene.scribe, scene.leg
    await scribe.ask("GET", "/v1/legs/{leg_id}/order-forms", leg_id=leg, flow="agent-transfer")
    await scene.do("orders", {"flow": "agent-transfer", "inputs": {"to_account": "60000001", "amount": 10050}})
    await scene.do("take-back")

    async def is_over() -> bool:
        orders = await scribe.bench.get("ctiserver", f"/v1/legs/{leg}/orders")
        return bool(orders and orders[0]["ended_at"])

    await until(is_over, what="the order is over")
    await scribe.ask("GET", "/v1/legs/{leg_id}/orders", leg_id=leg)


async def _consult(scribe: Scribe, phone: Phone) -> None:
    scene = await _talk(scribe, phone)
    await scene.to("consult", "phone", THIRD)
    await scene.are_joined(scene.leg, await scene.leg_at(THIRD))
    await scene.do("alternate")
    await scene.do("alternate")
    await scene.do("cancel")
    await scene.to("consult", "phone", THIRD)
    third = await scene.leg_at(THIRD)
    await scene.are_joined(scene.leg, third)
    await scene.do("conference")
    await scene.to("add", "phone", FOURTH)
    await scene.leg_at(FOURTH)
    await scene.do("hang-up", leg=third)
    await scribe.ask("POST", "/v1/calls/{call_id}/hang-up", call_id=scene.call.id)
    await scene.over()
    scene = await _talk(scribe, phone)
    await scene.to("consult", "phone", THIRD)
    await scene.are_joined(scene.leg, await scene.leg_at(THIRD))
    await scene.do("complete")
    await scene.over()


async def _park_and_supervise(scribe: Scribe, phone: Phone) -> None:
    scene = await _talk(scribe, phone)
    boss = await scene.do("supervise", {"mode": "listen"}, who=SUPERVISOR)
    await scribe.ask("PUT", "/v1/legs/{leg_id}/supervision", {"mode": "whisper"}, leg_id=boss["leg_id"], who=SUPERVISOR)
    await scene.do("hang-up", leg=boss["leg_id"])
    await scene.do("park")
    pick_up = "/v1/agents/{agent_id}/pick-up/{leg_id}"
    picked = await scribe.ask("POST", pick_up, agent_id=AGENT, leg_id=scene.call.id)
    await scene.are_joined(picked["leg_id"], scene.call.id)
    await scene.do("intercept", leg=picked["leg_id"], who=SUPERVISOR)
    await scene.over()


async def _send_on(scribe: Scribe, phone: Phone) -> None:
    scene = await _talk(scribe, phone)
    await scene.to("transfer", "phone", THIRD)
    await scene.leg_at(THIRD)
    await scene.over()


async def _dial(scribe: Scribe, phone: Phone) -> None:
    phone.behave(PhoneScript(AGENT, answer_after_s=None))
    leg = await scribe.ask(
        "POST", "/v1/agents/{agent_id}/dial", {"to": {"kind": "phone", "value": THIRD}}, agent_id=AGENT
    )
    await scribe.ask("POST", "/v1/legs/{leg_id}/hang-up", leg_id=leg["leg_id"])
    await scribe.bench.until_empty()


async def _call_back(scribe: Scribe, phone: Phone) -> None:
    """A voicemail as record would tell of it; the agent's phone rings, and he who left it is dialled when he answers."""
    suite = scribe.bench.suite
    assert suite
    settings = next(one.settings for one in suite.services if one.name == "ctiserver")
    bus = suite.parts.bus(settings)
    await bus.start()
    now = SystemClock().now()
    left = new_id()
    told = VoicemailChanged(
        recording_id=f"message-{left}-7",
        call_id=left,
        leg_id=left,
        queue_id="retail",
        state=VoicemailState.TAKEN,
        change="taken",
        changed_at=now,
        left_at=now,
        due_at=now,
        duration_ms=4000,
        caller_number=_INVENTED_NUMBER,
        agent_id=AGENT,
        by=AGENT,
    )
    await Publisher(bus, "record/example", SystemClock()).publish(told)
    await bus.stop()

    async def is_told() -> bool:
        found = await scribe.bench.get("ctiserver", f"/v1/agents/{AGENT}")
        return bool(found and found["voicemails"])

    await until(is_told, what="the voicemail is told of")
    phone.behave(PhoneScript(AGENT, answer_after_s=None))
    back = "/v1/agents/{agent_id}/voicemails/{voicemail_id}/call-back"
    leg = await scribe.ask("POST", back, agent_id=AGENT, voicemail_id=told.recording_id)
    await scribe.ask("POST", "/v1/legs/{leg_id}/hang-up", leg_id=leg["leg_id"])
    await scribe.bench.until_empty()


async def _line(scribe: Scribe, phone: Phone) -> None:
    phone.behave(PhoneScript(AGENT, answer_after_s=0.2))
    await scribe.ask("POST", "/v1/agents/{agent_id}/line", {"ready": False}, agent_id=AGENT)

    async def stands() -> bool:
        return str((await scribe.bench.get("ctiserver", f"/v1/agents/{AGENT}"))["phone_id"]).startswith("line-")

    await until(stands, what="he is at his line")
    await scribe.ask("DELETE", "/v1/agents/{agent_id}/line", agent_id=AGENT)
    await scribe.bench.until_empty()
    await scribe.ask("POST", "/v1/agents/{agent_id}/sign-in", {"phone": AGENT, "ready": False}, agent_id=AGENT)


def shape(value: Any, name: str = "") -> Any:
    """What a program that reads the value relies on: fields and kinds. What may be there or not is left open."""
    if isinstance(value, Mapping):
        return {key: shape(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0], name)] if value else []
    return type(value).__name__


def agree(one: Any, other: Any) -> bool:
    """Whether two shapes say the same: nothing, an empty list or mapping agrees with everything that may stand in its place."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return not one or not other or (one.keys() == other.keys() and all(agree(one[key], other[key]) for key in one))
    if isinstance(one, list) and isinstance(other, list):
        return not one or not other or agree(one[0], other[0])
    return "NoneType" in (one, other) or one == other
