"""admin in one process: REST, a database of each kind, the bus in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from ipcc.auth.principal import Role
from ipcc.bus import MemoryBus, Publisher
from ipcc.bus.memory import MemoryBroker
from ipcc.clock import SystemClock
from ipcc.contracts.audit import ActDone
from ipcc.contracts.config import KINDS, ConfigChanged
from ipcc.contracts.envelope import decode
from ipcc.contracts.topics import CONFIG
from ipcc.db.database import Database
from ipcc.db.migrate import differences, upgrade
from ipcc.errors import Invalid
from ipcc.http.service import Service
from ipcc.parts import Parts
from services.admin.app import build
from services.admin.settings import AdminSettings
from services.admin.store import MIGRATIONS
from services.admin.tables import Base
from tests.support.service import client_of, make_settings
from tests.support.until import until
from tests.unit.admin.test_document import GOOD

SKILL = {"name": "Mortgages"}


@dataclass
class Rig:
    """One database and one broker, over which services come and go."""

    folder: Path
    database_url: str
    broker: MemoryBroker

    def build(self, document: str | None = GOOD) -> Service:
        file = None
        if document is not None:
            file = self.folder / "organisation.yaml"
            file.write_text(document, encoding="utf-8")
        settings = make_settings(
            AdminSettings, self.folder, database_url=self.database_url, organisation_file=file, instance_id="a1"
        )
        return build(settings, Parts(SystemClock(), self.broker))

    @asynccontextmanager
    async def running(
        self, document: str | None = GOOD, roles: tuple[Role, ...] = tuple(Role)
    ) -> AsyncIterator[httpx.AsyncClient]:
        async with client_of(self.build(document), roles) as client:
            await until(lambda: is_green(client), what="admin is ready")
            yield client

    def published(self) -> list[ConfigChanged]:
        events = [decode(record.value or b"") for log in self.broker.logs(CONFIG.name) for record in log.records]
        return [event.data for event in events if isinstance(event.data, ConfigChanged)]

    def last(self) -> dict[str, ConfigChanged]:
        return {changed.key(): changed for changed in self.published()}


async def is_green(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == 200


@pytest.fixture
def rig(tmp_path: Path, database_url: str) -> Rig:
    return Rig(tmp_path, database_url, MemoryBroker(SystemClock()))


async def test_the_tables_are_what_the_models_say(database_url: str) -> None:
    database = Database(database_url, "admin")
    await upgrade(database, MIGRATIONS)
    assert await differences(database, Base.metadata) == []
    await database.close()


async def test_the_document_is_in_force_and_published(rig: Rig) -> None:
    async with rig.running() as client:
        queue = (await client.get("/v1/queue/retail")).json()
        assert (queue["version"], queue["object"]["ring_s"]) == (1, 15)
        assert queue["changed_by"] == "document organisation.yaml"
        await until(lambda: len(rig.last()) == 6)
    assert rig.last()["user/1001"].object is not None
    assert {changed.version for changed in rig.published()} == {1}


async def test_at_every_start_all_is_published_again_with_the_same_versions(rig: Rig) -> None:
    async with rig.running():
        await until(lambda: len(rig.last()) == 6)
    rig.broker = MemoryBroker(SystemClock())
    async with rig.running():
        await until(lambda: len(rig.last()) == 6)
    assert {changed.version for changed in rig.published()} == {1}


async def test_a_changed_document_takes_effect_at_the_next_start(rig: Rig) -> None:
    async with rig.running() as client:
        await client.put("/v1/skill/mortgage", json=SKILL)
        await client.put("/v1/queue/retail", json={"name": "Retail", "ring_s": 40})
    async with rig.running() as client:
        assert (await client.get("/v1/queue/retail")).json()["object"]["ring_s"] == 40, "unchanged file, REST stands"
    less = GOOD[: GOOD.index("entry_points:")].replace("ring_s: 15", "ring_s: 30")
    async with rig.running(less) as client:
        assert (await client.get("/v1/queue/retail")).json()["object"]["ring_s"] == 30
        assert (await client.get("/v1/entry_point/main")).status_code == 404
        assert (await client.get("/v1/skill/mortgage")).status_code == 200
        await until(lambda: rig.last()["entry_point/main"].object is None)


async def test_a_document_with_faults_does_not_start_and_names_them(rig: Rig) -> None:
    with pytest.raises(Invalid, match=r"organisation.yaml:18: user 1001, skills.bankng: there is no skill"):
        rig.build(GOOD.replace("skills: {banking: 5}", "skills: {bankng: 5}"))


async def test_a_missing_document_is_named(rig: Rig) -> None:
    settings = make_settings(AdminSettings, rig.folder, organisation_file=rig.folder / "nowhere.yaml")
    with pytest.raises(Invalid, match=r"nowhere\.yaml"):
        build(settings, Parts())


async def test_changes_are_versioned_audited_and_published(rig: Rig) -> None:
    async with rig.running() as client:
        first = await client.put("/v1/skill/mortgage", json=SKILL)
        second = await client.put("/v1/skill/mortgage", json={"name": "Home loans"})
        same = await client.put("/v1/skill/mortgage", json={"name": "Home loans"})
        assert [answer.json()["version"] for answer in (first, second, same)] == [1, 2, 2]
        assert (await client.delete("/v1/skill/mortgage")).status_code == 204
        again = await client.put("/v1/skill/mortgage", json=SKILL)
        assert again.json()["version"] == 4
        versions = (await client.get("/v1/skill/mortgage/versions")).json()
        assert [(one["version"], one["object"] is None) for one in versions] == [
            (4, False),
            (3, True),
            (2, False),
            (1, False),
        ]
        acts = (await client.get("/v1/audit", params={"limit": 4})).json()["items"]
        assert [act["action"] for act in acts] == ["created", "removed", "changed", "created"]
        assert {act["actor"] for act in acts} == {"tester"}
        await until(lambda: rig.last().get("skill/mortgage") and rig.last()["skill/mortgage"].version == 4)
    told = [changed.version for changed in rig.published() if changed.object_id == "mortgage"]
    assert told == [1, 2, 3, 4]


async def test_what_is_in_use_cannot_be_removed(rig: Rig) -> None:
    async with rig.running() as client:
        refused = await client.delete("/v1/skill/banking")
        assert (refused.status_code, refused.json()["code"]) == (409, "config.in_use")
        assert "queue retail" in refused.json()["detail"]
        assert "user 1001" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("user/1002", {"name": "B", "organisation": "bank", "phone": "1001"}, "phone '1001' is user 1001's"),
        ("user/1002", {"name": "B", "organisation": "bank", "skills": {"banking": 99}}, "less than or equal to 10"),
        ("user/1002", {"name": "B", "organisation": "nowhere"}, "there is no organisation 'nowhere'"),
        ("queue/vip", {"name": "V", "rings": 3}, "rings: Extra inputs"),
        ("queue/vip", {"name": "V", "id": "other"}, "the body says 'other'"),
        ("queue/Not%20an%20id", {"name": "V"}, "id: String should match"),
        (
            "pause_reason/meal",
            {"name": "用餐", "limit_s": 9, "daily_limit_s": 8},
            "one pause of 9 s is longer than all",
        ),
        ("pause_reason/meal", {"name": "用餐", "limit_s": 90_000}, "limit_s: Input should be less than or equal to"),
        ("pause_reason/meal", {"name": "用餐", "roles": ["boss"]}, "roles.0: Input should be"),
        ("entry_point/x", {"name": "X", "number": "95500", "flow": "f", "organisation": "bank"}, "95500 leads to main"),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_name(rig: Rig, path: str, body: dict[str, Any], told: str) -> None:
    async with rig.running() as client:
        answer = await client.put(f"/v1/{path}", json=body)
        assert answer.status_code == 422
        assert told in answer.json()["detail"]


async def test_acts_on_what_is_live_are_kept_once_beside_those_on_what_is_administered(rig: Rig) -> None:
    async with rig.running() as client:
        bus = MemoryBus(rig.broker)
        await bus.start()
        publisher = Publisher(bus, "acd/acd-0", SystemClock())
        done = ActDone(actor="li", act="pull", kind="entry", object_id="e1", details={"agent_id": "ann"})
        event = publisher.event(done)
        for _ in range(2):
            await publisher.send(event)
        refused = ActDone(actor="li", act="force_state", kind="agent", object_id="ann", outcome="acd.not_signed_in")
        await publisher.publish(refused)

        async def kept() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = (await client.get("/v1/audit", params={"actor": "li"})).json()["items"]
            return found if len(found) >= 2 else []

        found = {act["id"]: act for act in await until(kept, what="both are kept")}
        assert found["e1"] | {"number": 0} == {
            "number": 0,
            "at": found["e1"]["at"],
            "actor": "li",
            "action": "pull",
            "kind": "entry",
            "id": "e1",
            "version": 0,
            "service": "acd",
            "outcome": "done",
            "details": {"agent_id": "ann"},
        }
        assert found["ann"]["outcome"] == "acd.not_signed_in"
        only = (await client.get("/v1/audit", params={"kind": "entry", "object_id": "e1"})).json()["items"]
        assert len(only) == 1
        await client.put("/v1/skill/mortgage", json=SKILL)
        newest = (await client.get("/v1/audit", params={"limit": 1})).json()["items"][0]
        assert (newest["service"], newest["outcome"], newest["details"]) == ("admin", "done", {})
        await bus.stop()


HOLIDAY = {"first": "2026-10-01", "last": "2026-10-07"}


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("queue/new", {"skills": {"unheard": 3}}, "skills.unheard: there is no skill 'unheard'"),
        ("queue/new", {"skills": {"banking": 11}}, "skills.banking: Input should be less than or equal to 10"),
        ("queue/new", {"skills": {"banking": 10}}, "no agent could serve it (asks banking 10)"),
        ("queue/new", {"overflow_to": "queue:new"}, "overflow goes in a circle: new > new"),
        (
            "calendar/new",
            {"holidays": [{"name": "A", **HOLIDAY}, {"name": "B", **HOLIDAY}]},
            "holidays: A and B overlap on 2026-10-01",
        ),
    ],
    ids=["unknown skill", "level out of range", "no agents", "circle", "holidays"],
)
async def test_a_queue_that_could_not_work_is_refused_by_name_and_nothing_of_it_is_kept(
    rig: Rig, path: str, body: dict[str, Any], told: str
) -> None:
    async with rig.running() as client:
        acts = (await client.get("/v1/audit")).json()["items"]
        answer = await client.put(f"/v1/{path}", json={"name": "New", **body})
        assert (answer.status_code, answer.json()["code"]) == (422, "config.invalid")
        assert told in answer.json()["detail"]
        assert (await client.get(f"/v1/{path}")).status_code == 404
        assert (await client.get("/v1/audit")).json()["items"] == acts
    assert path not in rig.last()


async def test_of_two_who_edit_the_same_version_the_second_is_told(rig: Rig) -> None:
    async with rig.running() as client:
        tag = (await client.get("/v1/skill/banking")).headers["etag"]
        assert tag == '"1"'
        first = await client.put("/v1/skill/banking", json={"name": "A"}, headers={"If-Match": tag})
        second = await client.put("/v1/skill/banking", json={"name": "B"}, headers={"If-Match": tag})
        assert (first.status_code, second.status_code, second.json()["code"]) == (200, 409, "config.changed")
        fresh = await client.put("/v1/skill/banking", json={"name": "C"}, headers={"If-Match": "0"})
        assert fresh.status_code == 409


async def test_reading_and_writing_need_their_roles(rig: Rig) -> None:
    async with rig.running(roles=(Role.SUPERVISOR,)) as supervisor:
        assert (await supervisor.get("/v1/queue")).status_code == 200
        assert (await supervisor.put("/v1/skill/x", json=SKILL)).status_code == 403
        assert (await supervisor.delete("/v1/queue/retail")).status_code == 403
        assert (await supervisor.get("/v1/audit")).status_code == 403
    async with rig.running(roles=(Role.AGENT,)) as agent:
        assert (await agent.get("/v1/queue")).status_code == 403


async def test_lists_are_paged_in_the_order_of_ids(rig: Rig) -> None:
    async with rig.running(None) as client:
        for number in range(5):
            await client.put(f"/v1/skill/s{number}", json={"name": "S"})
        first = (await client.get("/v1/skill", params={"limit": 3})).json()
        rest = (await client.get("/v1/skill", params={"limit": 3, "after": first["next"]})).json()
        assert [one["id"] for one in first["items"] + rest["items"]] == ["s0", "s1", "s2", "s3", "s4"]
        assert rest["next"] is None
        acts = (await client.get("/v1/audit", params={"limit": 2})).json()
        older = (await client.get("/v1/audit", params={"limit": 9, "after": acts["next"]})).json()
        assert [act["id"] for act in acts["items"] + older["items"]] == ["s4", "s3", "s2", "s1", "s0"]


async def test_an_unknown_kind_or_object_is_named(rig: Rig) -> None:
    async with rig.running() as client:
        assert (await client.get("/v1/queue/none")).json()["detail"] == "there is no queue 'none'"
        assert (await client.get("/v1/trunk/none")).status_code == 422
        assert (await client.get("/v1/queue/none/versions")).status_code == 404


async def test_a_document_can_be_sent_over_rest(rig: Rig) -> None:
    async with rig.running(None) as client:
        answer = await client.post("/v1/document", content=GOOD.encode())
        assert len(answer.json()["saved"]) == 6
        wrong = await client.post("/v1/document", content=GOOD.replace("phone: 1001", "phone: 9").encode())
        assert wrong.status_code == 422
        assert "document:17: user 1001, phone" in wrong.json()["detail"]
        assert (await client.post("/v1/document", content=b"\xff\xfe")).status_code == 422


async def test_without_the_broker_changes_are_kept_and_published_when_it_is_back(rig: Rig) -> None:
    async with rig.running() as client:
        rig.broker.go_down()
        assert (await client.put("/v1/skill/mortgage", json=SKILL)).status_code == 200
        await until(lambda: is_red(client, "bus"))
        rig.broker.come_back()
        await until(lambda: "skill/mortgage" in rig.last(), timeout=15)
        await until(lambda: is_green(client), timeout=15)


async def is_red(client: httpx.AsyncClient, component: str) -> bool:
    answer = await client.get("/health/ready")
    return bool(answer.json()["components"][component]["status"] == "red")


async def test_every_kind_of_object_but_webhooks_is_read_over_rest(rig: Rig) -> None:
    async with rig.running() as client:
        for kind in KINDS:
            answer = await client.get(f"/v1/{kind}")
            assert answer.status_code == (422 if kind == "webhook" else 200), kind
