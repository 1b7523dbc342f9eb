"""Every service answers the same way: guard, problem documents, health, metrics, paging."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from ipcc.auth.principal import Role
from ipcc.errors import StoreDown
from ipcc.http.service import Service
from ipcc.metrics import HTTP_REQUESTS
from tests.support.service import client_of
from tests.unit.http.services import make_toy


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_toy(tmp_path)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as one:
        yield one


async def test_a_request_without_token_is_refused_as_a_problem_document(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/me", headers={"Authorization": ""})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "auth.missing"


async def test_the_right_role_passes_and_another_is_forbidden(service: Service, client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/me")).json() == {"subject": "tester"}
    async with client_of(service, [Role.AGENT]) as agent:
        answer = await agent.get("/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.role")
    assert "supervisor" in answer.json()["detail"]


async def test_health_and_metrics_need_no_token_and_the_api_description_does(client: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert (await client.get(path, headers={"Authorization": ""})).status_code == 200, path
    assert (await client.get("/openapi.json", headers={"Authorization": ""})).status_code == 401
    assert "/v1/orders" in (await client.get("/openapi.json")).json()["paths"]


async def test_readiness_names_each_part_that_is_missing_and_why(service: Service, client: httpx.AsyncClient) -> None:
    async def down() -> str | None:
        raise StoreDown("store.down", "connection refused")

    service.health.add("bus", lambda: None)
    service.health.add("store", down)
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["components"] == {
        "bus": {"status": "green"},
        "store": {"status": "red", "reason": "store.down: connection refused"},
    }


async def test_what_is_wrong_and_stops_no_work_is_told_and_counted_and_the_service_stays_ready(
    service: Service, client: httpx.AsyncClient
) -> None:
    found: list[str | None] = [None]
    service.health.complain("journal", lambda: found[0])
    assert "warnings" not in (await client.get("/health/ready")).json()
    found[0] = "no space left"
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "green")
    assert answer.json()["warnings"] == {"journal": "no space left"}
    assert 'ipcc_health_status{check="journal",service="admin"} 0.0' in (await client.get("/metrics")).text


async def test_a_check_that_hangs_is_red_and_does_not_hold_up_the_answer(
    service: Service, client: httpx.AsyncClient
) -> None:
    async def hang() -> str | None:
        await asyncio.Event().wait()
        return None

    service.health.timeout_s = 0.01
    service.health.add("switch", hang)
    assert "no answer within" in (await client.get("/health/ready")).json()["components"]["switch"]["reason"]


async def test_an_error_of_ours_keeps_its_code_and_status(client: httpx.AsyncClient) -> None:
    refused = await client.get("/v1/fail/refused")
    assert refused.status_code == 409
    assert refused.json()["code"] == "agent.not_ready"
    assert refused.json()["details"] == {"agent": "7"}
    down = await client.get("/v1/fail/down")
    assert (down.status_code, down.headers["retry-after"]) == (503, "2")


async def test_an_unexpected_error_shows_nothing_of_its_text(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/fail/bug")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"]


async def test_a_wrong_body_is_explained_without_repeating_it(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/orders", json={"amount": 0, "pin": "12345678"})
    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json()["errors"]} == {"amount", "pin"}
    assert "12345678" not in answer.text


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_above_the_limit_is_refused(client: httpx.AsyncClient, declared: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 500

    answer = await client.post("/v1/orders", content=b"x" * 1500 if declared else chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "http.request_entity_too_large")


async def test_an_unknown_path_is_a_problem_document(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "http.not_found")


async def test_a_harmless_request_id_is_kept_and_a_strange_one_replaced(client: httpx.AsyncClient) -> None:
    kept = await client.get("/health/live", headers={"X-Request-ID": "abc-1"})
    replaced = await client.get("/health/live", headers={"X-Request-ID": "a b;c"})
    assert kept.headers["x-request-id"] == "abc-1"
    assert replaced.headers["x-request-id"] != "a b;c"


async def test_requests_are_counted_by_route_not_by_path(service: Service, client: httpx.AsyncClient) -> None:
    await client.get("/v1/fail/refused")
    assert service.metrics.value(HTTP_REQUESTS, method="GET", route="/v1/fail/{how}", status="409") == 1.0


async def test_a_list_is_walked_page_by_page(client: httpx.AsyncClient) -> None:
    seen: list[int] = []
    after: str | None = None
    while True:
        page = (await client.get("/v1/numbers", params={"limit": 3} | ({"after": after} if after else {}))).json()
        seen += page["items"]
        after = page["next"]
        if after is None:
            break
    assert seen == list(range(7))


@pytest.mark.parametrize("cursor", ["x", "!!!", "WzEsMl0", "eyJhIjoxfQ", "W1tdXQ"])
async def test_a_cursor_that_is_not_ours_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get("/v1/numbers", params={"after": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "page.cursor")
