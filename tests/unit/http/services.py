"""A small service for the tests of the HTTP side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends, WebSocket
from pydantic import BaseModel, Field

from ipcc.auth.guard import require
from ipcc.auth.principal import Principal, Role
from ipcc.auth.tokens import authenticator_for
from ipcc.clock import SystemClock
from ipcc.errors import NotNow, SwitchDown
from ipcc.http.pagination import Page, PageQuery, page_of
from ipcc.http.service import Service, provided
from ipcc.http.websocket import Hub
from ipcc.metrics import Metrics
from ipcc.settings import ServiceSettings
from tests.support.service import make_settings


class ToySettings(ServiceSettings):
    service: ClassVar[str] = "admin"


class Order(BaseModel):
    """A body with a secret in it."""

    amount: int = Field(ge=1)
    pin: str = Field(max_length=6)


HubOfService = Annotated[Hub, Depends(provided(Hub))]
Supervisor = Annotated[Principal, Depends(require(Role.SUPERVISOR))]


def toy_routes() -> APIRouter:
    router = APIRouter()

    @router.get("/v1/me")
    async def me(who: Supervisor) -> dict[str, str]:
        return {"subject": who.subject}

    @router.post("/v1/orders")
    async def order(order: Order) -> dict[str, int]:
        return {"amount": order.amount}

    @router.get("/v1/fail/{how}")
    async def fail(how: str) -> None:
        if how == "refused":
            raise NotNow("agent.not_ready", "agent 7 is in wrap-up", agent="7")
        if how == "down":
            raise SwitchDown("switch.down", "fs1 does not answer", retry_after_s=1.2)
        raise RuntimeError("a secret detail")

    @router.get("/v1/numbers")
    async def numbers(page: PageQuery) -> Page[int]:
        position = page.position(1)
        rows = [n for n in range(7) if position is None or n > position[0]]
        return page_of(rows[: page.limit + 1], page.limit, lambda n: (n,))

    @router.websocket("/v1/stream")
    async def stream(socket: WebSocket, hub: HubOfService, last_id: str | None = None) -> None:
        await hub.serve(socket, last_id)

    return router


def make_toy(folder: Path, hub: Hub | None = None, routers: Sequence[APIRouter] | None = None) -> Service:
    settings = make_settings(ToySettings, folder)

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        yield

    metrics = Metrics("admin")
    return Service(
        settings=settings,
        title="A toy",
        run=run,
        authenticator=authenticator_for(settings, SystemClock()),
        metrics=metrics,
        routers=[toy_routes()] if routers is None else routers,
        provides=[hub or Hub("toy", metrics)],
        max_body_bytes=1000,
    )
