"""Runs services: several uvicorn servers in one event loop (`ipcc up`), or one alone in its process (`python -m services.x`)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
import uvicorn
from fastapi import FastAPI

from ipcc.errors import Invalid, IpccError
from ipcc.http.factory import create_app
from ipcc.http.service import Service
from ipcc.logging import configure_logging
from ipcc.settings import PREFIX, ServiceSettings
from ipcc.tasks import Tasks

log = structlog.get_logger(__name__)

# open event streams are told to go; whoever does not within this is cut
_GRACE_S = 3


@dataclass(frozen=True)
class Running:
    """A service that answers at ``url``."""

    service: Service
    app: FastAPI
    url: str


class _QuietServer(uvicorn.Server):
    """A uvicorn server that leaves the signals of the process to us: several in one loop would fight for them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(services: Sequence[Service]) -> AsyncIterator[list[Running]]:
    """Start ``services`` one after the other, stop them in reverse.

    Raises Invalid naming the port that is taken, or whatever a service's ``run`` raised while it came up.
    """
    sockets = _bind_all(services)
    async with AsyncExitStack() as stack:
        for bound in sockets:
            stack.callback(bound.close)
        running = [
            await stack.enter_async_context(_serve(service, bound))
            for service, bound in zip(services, sockets, strict=True)
        ]
        yield running


@asynccontextmanager
async def _serve(service: Service, bound: socket.socket) -> AsyncIterator[Running]:
    app = create_app(service)
    async with AsyncExitStack() as stack:
        # every task the lifespan starts inherits this context, so that its log lines name the service
        with structlog.contextvars.bound_contextvars(service=service.name):
            # entered here and not by uvicorn, which would turn a failure into an exit of the process
            await stack.enter_async_context(app.router.lifespan_context(app))
        stack.push_async_callback(await _listen(app, service.name, bound))
        host, port = bound.getsockname()[:2]
        yield Running(service, app, f"http://{host}:{port}")


async def _listen(app: FastAPI, name: str, bound: socket.socket) -> Callable[[], Awaitable[None]]:
    """Answer requests on ``bound``; returns what stops it."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        ws="websockets-sansio",
        # small messages on a local network: compressing them costs more than sending them
        ws_per_message_deflate=False,
    )
    server = _QuietServer(config)
    task = Tasks().once(f"http-{name}", server.serve(sockets=[bound]))
    while not server.started and not task.done():  # noqa: ASYNC110  uvicorn tells by a flag only
        await asyncio.sleep(0.005)

    async def stop() -> None:
        server.should_exit = True
        await task

    return stop


def _bind_all(services: Sequence[Service]) -> list[socket.socket]:
    bound: list[socket.socket] = []
    try:
        for service in services:
            bound.append(_bind(service.settings))  # noqa: PERF401  those bound before a failure must be closed
    except IpccError:
        for one in bound:
            one.close()
        raise
    return bound


def _bind(settings: ServiceSettings) -> socket.socket:
    host, port = settings.http_host, settings.http_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        variable = f"{PREFIX}{settings.service.upper()}__HTTP_PORT"
        if error.errno == errno.EADDRINUSE:
            message = (
                f"port {port} of {host}, wanted by {settings.service}, is in use: stop that program or set {variable}"
            )
        else:
            message = f"{settings.service} cannot listen on {host} port {port} ({error.strerror}): see {variable}"
        raise Invalid("http.port", message) from None
    return listener


async def wait_for_signal() -> None:
    """Return when the process is asked to end (SIGINT, SIGTERM); further signals then act as usual."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    try:
        await asked.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def run_service(service: Service) -> int:
    """The body of a service's ``__main__``: serve until a signal; the exit code."""
    configure_logging(service.settings.log_level, service.settings.log_format)

    async def serve_until_asked() -> None:
        async with serving([service]) as running:
            log.info("service_started", service=service.name, url=running[0].url, auth=service.settings.auth_mode)
            await wait_for_signal()
            log.info("service_stopping", service=service.name)

    try:
        asyncio.run(serve_until_asked())
    except IpccError as error:
        log.error("service_cannot_start", service=service.name, code=error.code, reason=error.message)
        return 1
    return 0
