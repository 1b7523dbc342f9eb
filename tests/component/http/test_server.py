"""Real sockets: several services in one loop, taken ports, event streams."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.clock import SystemClock
from ipcc.errors import Invalid
from ipcc.http.server import Running, serving
from ipcc.http.websocket import Hub
from ipcc.metrics import WEBSOCKET_DROPPED, Metrics
from tests.support.service import make_settings
from tests.support.until import until
from tests.unit.http.services import ToySettings, make_toy


async def test_several_services_answer_in_one_loop_and_end_together(tmp_path: Path) -> None:
    async with serving([make_toy(tmp_path), make_toy(tmp_path)]) as running, httpx.AsyncClient() as client:
        urls = [one.url for one in running]
        assert len(set(urls)) == 2
        for url in urls:
            assert (await client.get(f"{url}/health/live")).status_code == 200
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{urls[0]}/health/live")


async def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        toy = make_toy(tmp_path)
        toy.settings = make_settings(ToySettings, tmp_path, http_port=port)
        with pytest.raises(Invalid, match=f"port {port} .*IPCC_ADMIN__HTTP_PORT"):
            async with serving([make_toy(tmp_path), toy]):
                pytest.fail("it must not start")


async def test_a_service_that_cannot_come_up_says_why_and_the_others_are_closed(tmp_path: Path) -> None:
    closed: list[str] = []

    @asynccontextmanager
    async def fine() -> AsyncIterator[None]:
        try:
            yield
        finally:
            closed.append("fine")

    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise Invalid("seed.invalid", "line 3: unknown skill")
        yield

    toy = make_toy(tmp_path)
    with pytest.raises(Invalid, match="line 3"):
        async with serving([replace(toy, run=fine), replace(toy, run=broken)]):
            pytest.fail("it must not start")
    assert closed == ["fine"]


class Listener:
    """A WebSocket client of the toy's stream."""

    def __init__(self, running: Running) -> None:
        self.url = running.url.replace("http", "ws") + "/v1/stream"
        self.token = issue_development_token(running.service.settings, SystemClock(), "tester", list(Role))

    @asynccontextmanager
    async def open(self, last_id: str | None = None) -> AsyncIterator[Any]:
        url = self.url + (f"?last_id={last_id}" if last_id else "")
        protocols = [websockets.Subprotocol("ipcc"), websockets.Subprotocol(f"bearer.{self.token}")]
        async with websockets.connect(url, subprotocols=protocols, close_timeout=0.1) as socket_:
            yield socket_


async def receive(client: Any) -> dict[str, Any]:
    return dict(json.loads(await asyncio.wait_for(client.recv(), 20)))


@asynccontextmanager
async def streaming(folder: Path, **options: Any) -> AsyncIterator[tuple[Hub, Listener]]:
    hub = Hub("toy", Metrics("admin"), **options)
    async with serving([make_toy(folder, hub)]) as running:
        yield hub, Listener(running[0])


async def test_a_client_that_was_away_gets_what_it_missed(tmp_path: Path) -> None:
    async with streaming(tmp_path) as (hub, listener):
        async with listener.open() as client:
            assert (await receive(client))["type"] == "hello"
            hub.publish("one", {"n": 1})
            seen = await receive(client)
        hub.publish("two", {"n": 2})
        async with listener.open(seen["id"]) as client:
            hub.publish("three", {"n": 3})
            assert [(await receive(client))["type"] for _ in range(2)] == ["two", "three"]


@pytest.mark.parametrize("last_id", ["another-life:1", "nonsense"])
async def test_a_client_with_an_id_of_another_life_is_told_to_reset(tmp_path: Path, last_id: str) -> None:
    async with streaming(tmp_path) as (_, listener), listener.open(last_id) as client:
        assert (await receive(client))["type"] == "reset"


async def test_what_is_too_old_to_resume_is_a_reset(tmp_path: Path) -> None:
    async with streaming(tmp_path, history=2) as (hub, listener):
        first = hub.publish("e", {})
        for _ in range(4):
            hub.publish("e", {})
        async with listener.open(first.id) as client:
            assert (await receive(client))["type"] == "reset"


async def test_a_client_that_does_not_read_is_cut_off_and_others_are_not(tmp_path: Path) -> None:
    async with streaming(tmp_path, history=1, queue=5) as (hub, listener):
        async with listener.open() as slow, listener.open() as good:
            await receive(good)
            heavy = {"text": "x" * 300_000}
            received = 0
            for _ in range(300):
                hub.publish("e", heavy)
                await receive(good)
                received += 1
                if hub.clients == 1:
                    break
            await until(lambda: hub.clients == 1, what="the slow client is gone")
            assert received > 5
            del slow
        assert hub._metrics.value(WEBSOCKET_DROPPED, stream="toy") == 1.0


async def test_a_stream_needs_a_token(tmp_path: Path) -> None:
    async with streaming(tmp_path) as (_, listener):
        with pytest.raises(websockets.InvalidStatus):
            async with websockets.connect(listener.url):
                pytest.fail("it must be refused")


async def test_an_idle_stream_pings(tmp_path: Path) -> None:
    async with streaming(tmp_path, ping_s=0.02) as (_, listener), listener.open() as client:
        await receive(client)
        assert (await receive(client))["type"] == "ping"


async def test_closing_the_hub_sends_clients_away(tmp_path: Path) -> None:
    async with streaming(tmp_path) as (hub, listener), listener.open() as client:
        await receive(client)
        await hub.close()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await receive(client)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
