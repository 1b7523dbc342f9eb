"""The page of REST and WebSocket routes, and each service's OpenAPI document, from the applications themselves."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.routing import APIWebSocketRoute

from ipcc.cli.plan import SERVICES, Plan, settings_of
from ipcc.cli.suite import settings_class
from ipcc.http.factory import create_app
from ipcc.http.service import Service
from ipcc.parts import Parts
from ipcc.settings import PORTS, PREFIX, load
from tools.docs_table import document, page, table

_METHODS = ("get", "post", "put", "patch", "delete")


def pages() -> dict[str, str]:
    """api.md and openapi/<service>.json."""
    found: dict[str, str] = {}
    parts = [
        "Every route but health, metrics and the wallboard page asks for a token (`Authorization: Bearer …`). "
        "Errors are problem documents (RFC 9457) with a stable `code`. "
        "A running service gives its own document at `/openapi.json`. What the bank core must offer: `docs/bankcore.openapi.yaml`.",
    ]
    with _services() as services:
        for name, service in services.items():
            described = create_app(service).openapi()
            found[f"openapi/{name}.json"] = document(described)
            rows = _routes(described) + _streams(service)
            parts += [f"## {name} ({PORTS[name]})", f"[OpenAPI document](openapi/{name}.json)", table(_HEAD, rows)]
    found["api.md"] = page("REST and WebSocket", *parts)
    return found


_HEAD = ("", "path", "what it does")


@contextmanager
def _services() -> Iterator[dict[str, Service]]:
    """All services, built and never started."""
    parts = Parts()
    with tempfile.TemporaryDirectory() as folder, _bare_environment():
        plan = Plan(var=Path(folder), auth="none")
        try:
            yield {name: _build(name, plan, parts) for name in SERVICES}
        finally:
            parts.close()


def _build(name: str, plan: Plan, parts: Parts) -> Service:
    built = importlib.import_module(f"services.{name}.app").build(
        load(settings_class(name), **settings_of(plan, name, (), "http://127.0.0.1:8190")), parts
    )
    if not isinstance(built, Service):
        raise TypeError(f"services.{name}.app.build made no Service")
    return built


@contextmanager
def _bare_environment() -> Iterator[None]:
    """Without the variables of whoever runs this."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    for name in kept:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(kept)


def _routes(described: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    for path, methods in described["paths"].items():
        known = [method for method in _METHODS if method in methods]
        rows += [(method.upper(), f"`{path}`", str(methods[method].get("summary", ""))) for method in known]
    return rows


def _streams(service: Service) -> list[tuple[str, str, str]]:
    found = [r for router in service.routers for r in router.routes if isinstance(r, APIWebSocketRoute)]
    return [("WS", f"`{route.path}`", (route.endpoint.__doc__ or "").split("\n")[0]) for route in found]
