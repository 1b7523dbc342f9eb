"""Webhooks over REST: for whom, for which unit, to where; the secret is told once and is nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from ipcc.auth.principal import Principal, Role
from ipcc.auth.tokens import development_key
from ipcc.bus.memory import MemoryBroker
from ipcc.clock import SystemClock
from ipcc.contracts.config import Webhook
from ipcc.db.database import Database
from ipcc.http.factory import create_app
from ipcc.parts import Parts
from ipcc.webhooks import secrets_of
from services.admin.app import build
from services.admin.settings import AdminSettings
from services.admin.tables import AuditRow, ObjectRow, VersionRow
from tests.component.admin.test_admin import Rig
from tests.support.service import make_settings
from tests.support.until import until

UNITS = """\
organisations:
  - {id: bank, name: Bank}
  - {id: north, name: North, parent: bank}
  - {id: north-1, name: North 1, parent: north}
  - {id: south, name: South, parent: bank}
"""
BODY = {"name": "CRM", "organisation": "north", "url": "https://crm.bank.example/events", "types": ["ipcc.call.ended"]}


@pytest.fixture
def rig(tmp_path: Path, database_url: str) -> Rig:
    return Rig(tmp_path, database_url, MemoryBroker(SystemClock()))


class As:
    """Signs in whoever is wanted."""

    def __init__(self, who: Principal) -> None:
        self.who = who

    def authenticate(self, _token: str | None) -> Principal:
        return self.who


@asynccontextmanager
async def signed_in(rig: Rig, *roles: Role, unit: str | None = None, **given: Any) -> AsyncIterator[httpx.AsyncClient]:
    file = rig.folder / "organisation.yaml"
    file.write_text(UNITS, encoding="utf-8")
    settings = make_settings(
        AdminSettings, rig.folder, database_url=rig.database_url, organisation_file=file, instance_id="a1", **given
    )
    service = build(settings, Parts(SystemClock(), rig.broker))
    service.authenticator = As(Principal("crm", frozenset(roles or {Role.SYSTEM}), unit))
    transport = httpx.ASGITransport(create_app(service))
    async with service.run(), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await until(lambda: _is_green(client), what="admin is ready")
        yield client


async def _is_green(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == 200


async def made(client: httpx.AsyncClient, **other: Any) -> dict[str, Any]:
    answer = await client.post("/v1/webhooks", json={**BODY, **other})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def rows(rig: Rig) -> str:
    """What the database holds of webhooks."""
    database = Database(rig.database_url, "admin")
    database.mark_ready()
    async with database.transaction(read_only=True) as session:
        found = [
            repr(vars(row)) for kind in (ObjectRow, VersionRow, AuditRow) for row in await session.scalars(select(kind))
        ]
    await database.close()
    return "".join(found)


async def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_secret_is_told_to_who_makes_the_webhook_and_is_nowhere_else(rig: Rig) -> None:
    async with signed_in(rig) as client:
        found = await made(client)
        secret, hook_id = found["secret"], found["webhook"]["id"]
        assert len(secret) > 40
        shown = [await client.get(f"/v1/webhooks/{hook_id}"), await client.get("/v1/webhooks")]
        await until(lambda: f"webhook/{hook_id}" in rig.last(), what="the webhook is published")
    published = b"".join(record.value or b"" for log in rig.broker.logs("ipcc.config.v1") for record in log.records)
    assert hook_id.encode() in published
    stored = await rows(rig)
    assert hook_id in stored
    assert secret.encode() not in published + stored.encode() + b"".join(answer.content for answer in shown)
    hook = rig.last()[f"webhook/{hook_id}"].object
    assert isinstance(hook, Webhook)
    key = (rig.folder / "webhook.key").read_text(encoding="ascii")
    assert secrets_of(key, hook, SystemClock().now()) == [secret]


async def test_a_new_secret_is_another_and_the_former_signs_for_a_day(rig: Rig) -> None:
    async with signed_in(rig) as client:
        first = await made(client)
        hook_id = first["webhook"]["id"]
        second = (await client.post(f"/v1/webhooks/{hook_id}/secret")).json()
        assert second["secret"] != first["secret"]
        assert second["webhook"]["former_secret_until"] > first["webhook"]["since"]
        await until(lambda: rig.last()[f"webhook/{hook_id}"].version == 2, what="it is published")
    hook = rig.last()[f"webhook/{hook_id}"].object
    assert isinstance(hook, Webhook)
    key = (rig.folder / "webhook.key").read_text(encoding="ascii")
    assert secrets_of(key, hook, SystemClock().now()) == [second["secret"], first["secret"]]
    assert hook.former_secret_until is not None
    assert secrets_of(key, hook, hook.former_secret_until) == [second["secret"]]


async def test_a_webhook_is_changed_found_again_after_a_restart_and_removed(rig: Rig) -> None:
    async with signed_in(rig) as client:
        hook_id = (await made(client))["webhook"]["id"]
        changed = await client.put(f"/v1/webhooks/{hook_id}", json={**BODY, "enabled": False})
        assert (changed.json()["enabled"], changed.json()["version"]) == (False, 2)
        late = await client.put(f"/v1/webhooks/{hook_id}", json=BODY, headers={"If-Match": '"1"'})
        assert await code_of(late) == (409, "config.changed")
    async with signed_in(rig) as client:
        assert [one["id"] for one in (await client.get("/v1/webhooks")).json()["items"]] == [hook_id]
        assert (await client.delete(f"/v1/webhooks/{hook_id}")).status_code == 204
        assert await code_of(await client.get(f"/v1/webhooks/{hook_id}")) == (404, "config.not_found")
        await until(lambda: rig.last()[f"webhook/{hook_id}"].object is None, what="its removal is published")


async def test_who_belongs_to_a_unit_makes_and_sees_webhooks_of_it_and_of_those_under_it_alone(rig: Rig) -> None:
    async with signed_in(rig) as client:
        south = (await made(client, organisation="south"))["webhook"]["id"]
    async with signed_in(rig, unit="north") as client:
        mine = [(await made(client, organisation=unit))["webhook"]["id"] for unit in ("north", "north-1")]
        for unit in ("south", "bank", "nowhere"):
            refused = await client.post("/v1/webhooks", json={**BODY, "organisation": unit})
            assert await code_of(refused) == (403, "webhook.unit")
        assert sorted(one["id"] for one in (await client.get("/v1/webhooks")).json()["items"]) == sorted(mine)
        for answer in (
            await client.get(f"/v1/webhooks/{south}"),
            await client.delete(f"/v1/webhooks/{south}"),
            await client.put(f"/v1/webhooks/{south}", json=BODY),
            await client.post(f"/v1/webhooks/{south}/secret"),
        ):
            assert await code_of(answer) == (404, "config.not_found")
        away = await client.put(f"/v1/webhooks/{mine[0]}", json={**BODY, "organisation": "south"})
        assert await code_of(away) == (403, "webhook.unit")


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.QUALITY, Role.AUDITOR])
async def test_webhooks_are_for_systems_and_administrators(rig: Rig, role: Role) -> None:
    async with signed_in(rig, role) as client:
        assert await code_of(await client.post("/v1/webhooks", json=BODY)) == (403, "auth.role")
        assert await code_of(await client.get("/v1/webhooks")) == (403, "auth.role")


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.bank.example/events",
        "https://127.0.0.1/events",
        "https://[::1]/events",
        "https://[::ffff:10.0.0.1]/events",
        "https://[64:ff9b::a00:1]/events",
        "https://10.1.2.3/events",
        "https://169.254.169.254/latest",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://user:word@crm.bank.example/",
        "https://crm.bank.example/#x",
        "https://crm.bank.example:99999/",
        "https://",
        "ftp://crm.bank.example/",
        "https://crm.bank.example/\r\nX: y",
    ],
)
async def test_a_webhook_goes_to_no_place_beside_us(rig: Rig, url: str) -> None:
    async with signed_in(rig) as client:
        answer = await client.post("/v1/webhooks", json={**BODY, "url": url})
        assert answer.status_code == 422
        assert answer.json()["code"] in {"webhook.url", "config.invalid"}
        assert (await client.get("/v1/webhooks")).json()["items"] == []


async def test_a_private_network_is_reached_when_it_is_named(rig: Rig) -> None:
    async with signed_in(rig, webhook_networks=["10.1.0.0/16"]) as client:
        await made(client, url="https://10.1.2.3/events")
        other = await client.post("/v1/webhooks", json={**BODY, "url": "https://10.2.2.3/events"})
        assert await code_of(other) == (422, "webhook.url")


async def test_what_is_no_event_of_a_call_and_a_unit_that_does_not_exist_are_refused(rig: Rig) -> None:
    async with signed_in(rig) as client:
        wrong = await client.post("/v1/webhooks", json={**BODY, "types": ["ipcc.config.changed"]})
        assert await code_of(wrong) == (422, "request.invalid")
        nowhere = await client.post("/v1/webhooks", json={**BODY, "organisation": "nowhere"})
        assert await code_of(nowhere) == (422, "config.invalid")


async def test_without_a_key_no_webhook_is_made(rig: Rig) -> None:
    key = development_key(rig.folder)
    async with signed_in(rig, auth_mode="jwt", jwt_key=key) as client:
        assert await code_of(await client.post("/v1/webhooks", json=BODY)) == (503, "webhook.no_key")
        assert (await client.get("/v1/webhooks")).json()["items"] == []


async def test_every_act_is_in_the_audit(rig: Rig) -> None:
    async with signed_in(rig, Role.ADMINISTRATOR) as client:
        hook_id = (await made(client))["webhook"]["id"]
        await client.post(f"/v1/webhooks/{hook_id}/secret")
        await client.delete(f"/v1/webhooks/{hook_id}")
        acts = (await client.get("/v1/audit")).json()["items"][:3]
    assert [(one["actor"], one["action"], one["id"]) for one in acts] == [
        ("crm", "removed", hook_id),
        ("crm", "changed", hook_id),
        ("crm", "created", hook_id),
    ]
