"""Webhooks: signed, in order, tried again, in the end a dead letter; one that is down holds nobody else up."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from ipcc.auth.principal import Principal, Role
from ipcc.bus.judgement import Patience
from ipcc.call.book import CallBook
from ipcc.contracts.call import CallArrived, CallEnded, DesktopChanged, Direction, LegRinging, LegStarted
from ipcc.contracts.config import ConfigChanged, ConfigObject, EntryPoint, Organisation, User, Webhook
from ipcc.contracts.payload import Payload
from ipcc.contracts.tags import LegRole
from ipcc.errors import Invalid
from ipcc.http.factory import create_app
from ipcc.http.service import Service
from ipcc.webhooks import Reach, secret_of
from services.ctiserver.core.hooks import CallParties, Hook
from services.ctiserver.failures import Failures
from services.ctiserver.posting import NotDelivered, Poster
from services.ctiserver.webhooks import Knowledge, WebhookSetting
from tests.component.ctiserver.bench import Bench
from tests.support.until import until

SECRET = "only-the-two-of-us"
KEY = "k" * 40
PUBLIC = "203.0.114.7"
UNITS = (
    Organisation(id="bank", name="Bank"),
    Organisation(id="north", name="North", parent="bank"),
    Organisation(id="north-1", name="North 1", parent="north"),
    Organisation(id="south", name="South", parent="bank"),
    EntryPoint(id="n", name="N", number="85000001", flow="main", organisation="north-1"),
    EntryPoint(id="s", name="S", number="85000002", flow="main", organisation="south"),
    User(id="nora", name="Nora", organisation="north", skills={"cards": 5}),
)


@dataclass
class Receiver:
    """The bank's systems, by path: those in ``down`` answer 503 so often, and what was taken is kept."""

    down: dict[str, int] = field(default_factory=dict)
    taken: list[tuple[str, httpx.Request]] = field(default_factory=list)
    refused: int = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if self.down.get(path, 0) > 0:
            self.down[path] -= 1
            self.refused += 1
            return httpx.Response(503)
        self.taken.append((path, request))
        return httpx.Response(204)

    def at(self, path: str) -> list[dict[str, Any]]:
        return [orjson.loads(request.content) for where, request in self.taken if where == path]

    def ids(self, path: str) -> list[str]:
        return [one["data"]["call_id"] for one in self.at(path)]


async def lookup(_host: str, _port: int) -> list[str]:
    return [PUBLIC]


class As:
    """Signs in a system of one unit, or of all."""

    def __init__(self, unit: str | None, role: Role) -> None:
        self.who = Principal("crm", frozenset({role}), unit)

    def authenticate(self, _token: str | None) -> Principal:
        return self.who


@dataclass
class Post:
    """A running ctiserver whose messages go to ``receiver``."""

    bench: Bench
    receiver: Receiver
    service: Service
    client: httpx.AsyncClient

    async def tell(self, *payloads: Payload) -> None:
        for payload in payloads:
            await self.bench.publisher.publish(payload)

    async def ask(self, method: str, path: str, unit: str | None = None, role: Role = Role.SYSTEM) -> httpx.Response:
        self.service.authenticator = As(unit, role)
        self.client._transport.app.state.authenticator = self.service.authenticator  # type: ignore[attr-defined]
        return await self.client.request(method, f"/v1/webhooks/{path}")


def _in_force(bench: Bench, *objects: ConfigObject, version: int = 1) -> list[ConfigChanged]:
    return [ConfigChanged(kind=one.kind, object_id=one.id, version=version, object=one) for one in objects]


def hook(bench: Bench, unit: str = "north", hook_id: str = "crm", **given: Any) -> Webhook:
    return Webhook(
        id=hook_id,
        name="CRM",
        organisation=unit,
        **{"url": f"https://crm.bank.example/{hook_id}", "since": bench.clock.now() - timedelta(hours=1), **given},
    )


@asynccontextmanager
async def posting(bench: Bench, receiver: Receiver, fixed: tuple[str, ...] = (), **given: Any) -> AsyncIterator[Post]:
    secret = bench.folder / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    settings = [
        WebhookSetting(id=name, url=f"https://core.bank.example/{name}", secret_file=secret, types=given.pop(name, ()))
        for name in fixed
    ]
    service = bench.service(webhooks=settings, webhook_key=KEY, **given)
    failures = next(one for one in service.provides if isinstance(one, Failures))
    client = httpx.AsyncClient(transport=httpx.MockTransport(receiver))
    failures.webhooks.poster = Poster(client, Reach(), lookup)
    failures.webhooks.patience = Patience(tries=3, first_delay_s=0.02, longest_delay_s=0.02)
    transport = httpx.ASGITransport(create_app(service))
    async with service.run(), httpx.AsyncClient(transport=transport, base_url="http://test") as asking:
        await bench.ready(asking)
        yield Post(bench, receiver, service, asking)
        await client.aclose()


def arrived(call_id: str, number: str = "85000001") -> CallArrived:
    return CallArrived(
        call_id=call_id, node_id="fs9", leg_id=call_id, direction=Direction.INBOUND, dialled_number=number
    )


def ended(call_id: str) -> CallEnded:
    return CallEnded(call_id=call_id, cause="NORMAL_CLEARING", duration_ms=1)


def signatures(request: httpx.Request) -> tuple[str, list[str]]:
    seconds, *given = request.headers["Ipcc-Signature"].split(",")
    return seconds.removeprefix("t="), [one.removeprefix("v1=") for one in given]


def signed(secret: str, seconds: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()


async def test_an_event_is_posted_once_signed_and_only_if_it_is_wanted(bench: Bench) -> None:
    receiver = Receiver()
    async with posting(bench, receiver, ("crm", "all"), crm=("ipcc.call.ended",)) as post:
        await post.tell(LegRinging(call_id="c1", leg_id="c1", node_id="fs9"), ended("c1"))
        await until(lambda: len(receiver.taken) == 3, what="both hooks have what they want")
        assert receiver.ids("/crm") == ["c1"]
        _, request = receiver.taken[0]
        seconds, given = signatures(request)
        assert given == [signed(SECRET, seconds, request.content)]
        event = orjson.loads(request.content)
        assert (request.headers["Ipcc-Event-Id"], event["specversion"]) == (event["id"], "1.0")


async def test_a_receiver_that_is_down_for_a_moment_misses_nothing_and_holds_nobody_up(bench: Bench) -> None:
    receiver = Receiver(down={"/slow": 2})
    async with posting(bench, receiver, ("slow", "quick")) as post:
        await post.tell(*(ended(f"c{number}") for number in range(3)))
        await until(lambda: len(receiver.taken) == 6, what="both have everything")
        assert receiver.refused == 2
        assert sorted(receiver.ids("/slow")) == sorted(receiver.ids("/quick")) == ["c0", "c1", "c2"]


async def test_who_asked_over_rest_is_told_of_the_calls_of_his_unit_and_of_those_under_it_in_their_order(
    bench: Bench,
) -> None:
    receiver = Receiver(down={"/crm": 1})
    async with posting(bench, receiver) as post:
        await post.tell(
            *_in_force(bench, *UNITS, hook(bench), hook(bench, "south", "other"), hook(bench, "bank", "all"))
        )
        outbound = (
            arrived("c3", "13800000001"),
            LegStarted(call_id="c3", leg_id="a3", node_id="fs9", role=LegRole.AGENT, agent_id="nora"),
        )
        nobody = arrived("c4", "13800000002")
        await post.tell(arrived("c1"), arrived("c2", "85000002"), *outbound, nobody)
        await post.tell(*(ended(f"c{number}") for number in range(1, 5)))
        await post.tell(DesktopChanged(agent_id="nora", desktop_id="d", connected=True))
        await until(lambda: len(receiver.at("/all")) == 10, what="the bank has everything")
        await until(lambda: len(receiver.at("/crm")) == 5, what="the north has its calls")
        told = [(one["type"].removeprefix("ipcc.call."), one["data"].get("call_id")) for one in receiver.at("/crm")]
        assert [kind for kind, call in told if call == "c1"] == ["arrived", "ended"]
        # before an agent of it took part, an outbound call was nobody's
        assert [kind for kind, call in told if call == "c3"] == ["leg_started", "ended"]
        assert [kind for kind, call in told if call is None] == ["desktop_changed"]
        assert [one["data"]["call_id"] for one in receiver.at("/other")] == ["c2", "c2"]


async def test_what_happened_before_a_webhook_was_made_is_not_sent(bench: Bench) -> None:
    receiver = Receiver()
    await bench.publisher.publish(ended("old"))
    async with posting(bench, receiver) as post:
        await post.tell(*_in_force(bench, *UNITS, hook(bench, "bank", since=bench.clock.now())))
        await post.tell(ended("new"))
        await until(lambda: receiver.ids("/crm") == ["new"], what="only the new one is sent")


async def test_a_change_counts_from_the_next_event_on_and_a_removed_webhook_is_sent_nothing(bench: Bench) -> None:
    receiver = Receiver()
    async with posting(bench, receiver) as post:
        await post.tell(*_in_force(bench, *UNITS, hook(bench, "bank"), hook(bench, "bank", "witness")))
        await post.tell(ended("c1"))
        await until(lambda: receiver.ids("/crm") == ["c1"], what="it is sent")
        await post.tell(*_in_force(bench, hook(bench, "bank", url="https://crm.bank.example/new"), version=2))
        await until(lambda: _url_is(post, "/new"), what="the change is known")
        await post.tell(ended("c2"))
        await until(lambda: receiver.ids("/new") == ["c2"], what="it goes to the new place")
        await post.tell(ConfigChanged(kind="webhook", object_id="crm", version=3, object=None))
        await until(lambda: _url_is(post, ""), what="the removal is known")
        await post.tell(ended("c3"))
        await until(lambda: receiver.ids("/witness")[-1:] == ["c3"], what="others are told")
        assert (receiver.ids("/crm"), receiver.ids("/new")) == (["c1"], ["c2"])


def _url_is(post: Post, end: str) -> bool:
    failures = next(one for one in post.service.provides if isinstance(one, Failures))
    found = failures.webhooks.find("crm")
    return found is None if not end else bool(found and found.url.endswith(end))


async def test_while_it_is_switched_off_events_wait_and_a_restart_in_between_loses_none(bench: Bench) -> None:
    receiver = Receiver()
    async with posting(bench, receiver) as post:
        await post.tell(*_in_force(bench, *UNITS, hook(bench)))
        await post.tell(arrived("c1"))
        await until(lambda: receiver.ids("/crm") == ["c1"], what="it is sent")
        await post.tell(*_in_force(bench, hook(bench, enabled=False), version=2))
        failures = next(one for one in post.service.provides if isinstance(one, Failures))
        await until(lambda: "crm" not in failures.webhooks._workers, what="nothing is delivered any more")
        await post.tell(ended("c1"))
    async with posting(bench, receiver) as post:
        await post.tell(*_in_force(bench, hook(bench), version=3))
        await until(lambda: len(receiver.at("/crm")) == 2, what="what waited is sent")
        assert [one["type"] for one in receiver.at("/crm")] == ["ipcc.call.arrived", "ipcc.call.ended"]


async def test_each_replica_learns_of_a_webhook_and_an_event_is_sent_by_one_of_them(bench: Bench) -> None:
    receiver = Receiver()
    async with (
        posting(bench, receiver, instance_id="a"),
        posting(bench, receiver, instance_id="b") as post,
    ):
        await post.tell(*_in_force(bench, *UNITS, hook(bench, "bank")))
        calls = [f"c{number}" for number in range(20)]
        await post.tell(*map(ended, calls))
        await until(lambda: len(receiver.taken) >= 20, what="everything is sent")
        assert set(receiver.ids("/crm")) == set(calls)


async def test_what_a_receiver_never_takes_is_listed_and_sent_once_more_when_asked_for(bench: Bench) -> None:
    receiver = Receiver(down={"/crm": 6})
    async with posting(bench, receiver) as post:
        await post.tell(*_in_force(bench, *UNITS, hook(bench), hook(bench, "south", "other")))
        await post.tell(arrived("c1"), ended("c1"), LegRinging(call_id="c1", leg_id="c1", node_id="fs9"))
        await until(lambda: receiver.ids("/crm") == ["c1"], what="the next is delivered")
        assert receiver.at("/crm")[0]["type"] == "ipcc.call.leg_ringing"
        page = (await post.ask("GET", "crm/failures?limit=1")).json()
        rest = (await post.ask("GET", f"crm/failures?after={page['next']}", unit="bank")).json()
        found = [*page["items"], *rest["items"]]
        assert sorted(one["type"] for one in found) == ["ipcc.call.arrived", "ipcc.call.ended"]
        assert all("answered 503" in one["reason"] for one in found)
        assert (await post.ask("GET", "other/failures")).json()["items"] == []
        again = await post.ask("POST", f"crm/failures/{found[0]['number']}/redeliver")
        assert again.json() == {"delivered": True, "status": 204, "reason": ""}
        assert receiver.at("/crm")[-1]["id"] == found[0]["event_id"]
        receiver.down["/crm"] = 1
        once_more = await post.ask("POST", f"crm/failures/{found[0]['number']}/redeliver")
        assert once_more.json()["delivered"] is False
        for path in ("crm/failures/999/redeliver", f"other/failures/{found[0]['number']}/redeliver"):
            answer = await post.ask("POST", path)
            assert (answer.status_code, answer.json()["code"]) == (404, "webhook.no_failure")


async def test_a_test_message_is_signed_with_both_secrets_while_they_change(bench: Bench) -> None:
    receiver = Receiver()
    made = hook(bench, secret_number=2, former_secret_until=bench.clock.now() + timedelta(hours=1))
    async with posting(bench, receiver) as post:
        await post.tell(*_in_force(bench, *UNITS, made))
        await until(lambda: _url_is(post, "/crm"), what="it is known")
        assert (await post.ask("POST", "crm/ping")).json()["delivered"] is True
        _, request = receiver.taken[0]
        seconds, given = signatures(request)
        assert given == [signed(secret_of(KEY, made, number), seconds, request.content) for number in (2, 1)]
        assert orjson.loads(request.content)["type"] == "ipcc.webhook.ping"


async def test_a_webhook_is_shown_to_its_own_unit_and_to_those_above_alone(bench: Bench) -> None:
    async with posting(bench, Receiver()) as post:
        await post.tell(*_in_force(bench, *UNITS, hook(bench)))
        await until(lambda: _url_is(post, "/crm"), what="it is known")
        assert (await post.ask("POST", "crm/ping", unit="north")).status_code == 200
        for unit in ("south", "north-1"):
            answer = await post.ask("POST", "crm/ping", unit=unit)
            assert (answer.status_code, answer.json()["code"]) == (404, "webhook.unknown")
        answer = await post.ask("POST", "crm/ping", role=Role.AGENT)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.role")


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.0.0.8"], [PUBLIC, "169.254.169.254"], ["::1"], []])
async def test_a_name_that_leads_beside_us_is_not_followed(addresses: list[str]) -> None:
    receiver = Receiver()

    async def found(_host: str, _port: int) -> list[str]:
        return addresses

    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as client:
        poster = Poster(client, Reach(), found)
        with pytest.raises(NotDelivered, match="not an address that webhooks may be sent to"):
            await poster.post("crm", "https://crm.bank.example/x", b"{}", {}, is_trusted=False)
    assert receiver.taken == []


async def test_the_connection_goes_to_the_address_that_was_checked_under_the_receivers_name() -> None:
    receiver = Receiver()
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as client:
        await Poster(client, Reach(), lookup).post("crm", "https://crm.bank.example/x", b"{}", {}, is_trusted=False)
    _, request = receiver.taken[0]
    assert (request.url.host, request.headers["Host"]) == (PUBLIC, "crm.bank.example")
    assert request.extensions["sni_hostname"] == "crm.bank.example"


def test_whose_call_it_was_is_never_guessed(bench: Bench) -> None:
    class Nowhere:
        def units(self) -> dict[str, Organisation]:
            return {one.id: one for one in UNITS if isinstance(one, Organisation)}

    known = Knowledge(Nowhere(), CallBook(), lambda: True)  # type: ignore[arg-type]
    north = Hook("crm", "https://crm.bank.example/", (SECRET,), unit="north")
    with pytest.raises(Invalid, match="not known any more"):
        known.is_for(north, ended("c1"), CallParties())
    bank = Hook("all", "https://crm.bank.example/", (SECRET,), unit="bank")
    assert known.is_for(bank, ended("c1"), CallParties())
