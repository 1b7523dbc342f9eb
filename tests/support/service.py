"""Services in tests: settings with free ports and a folder of their own, and an HTTP client without sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.clock import Clock, SystemClock
from ipcc.http.factory import create_app
from ipcc.http.service import Service
from ipcc.settings import ServiceSettings, load

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def make_settings(cls: type[SettingsT], folder: Path, **given: Any) -> SettingsT:
    """Settings that touch nothing but ``folder``; port 0 takes a free one."""
    return load(cls, **{"var_dir": folder, "spool_dir": folder / "spool", "http_port": 0, **given})


@asynccontextmanager
async def client_of(
    service: Service, roles: Iterable[Role] = tuple(Role), clock: Clock | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running ``service``, signed in with ``roles`` (auth_mode dev)."""
    app = create_app(service)
    token = issue_development_token(service.settings, clock or SystemClock(), "tester", roles)
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {token}"}
    async with service.run(), httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client
