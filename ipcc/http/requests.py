"""What happens to every request before a route sees it: an id, a size limit, safe headers, a measure."""

from __future__ import annotations

import re
from time import perf_counter

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ipcc.ids import new_id
from ipcc.metrics import HTTP_DURATION, HTTP_REQUESTS, Metrics

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_UNMEASURED = frozenset({"/health/live", "/health/ready", "/metrics"})


class TooLarge(HTTPException):
    """More body than the limit arrived. An HTTPException, because FastAPI turns any other into a 400 while it reads the body."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"the body is larger than {limit} bytes")


class RequestFrame:
    """ASGI middleware; the request id is taken over from ``X-Request-ID`` when that is harmless, and is in every log line."""

    def __init__(self, app: ASGIApp, *, service: str, metrics: Metrics, max_body_bytes: int) -> None:
        self._app = app
        self._service = service
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.match(given) else new_id()
        with structlog.contextvars.bound_contextvars(service=self._service, request_id=request_id):
            if scope["type"] == "websocket":
                await self._app(scope, receive, send)
            else:
                await self._answer(scope, receive, send, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        start = perf_counter()
        status = 0

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, self._limited(scope, receive), framed)
        self._measure(scope, status, perf_counter() - start)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        declared = Headers(scope=scope).get("content-length", "0")
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_body_bytes or (declared.isdecimal() and int(declared) > self._max_body_bytes):
                raise TooLarge(self._max_body_bytes)
            return message

        return counted

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        if scope["path"] in _UNMEASURED:
            return
        # the template, not the path: a path holds ids and would make a series per call
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"]
        self._metrics.count(HTTP_REQUESTS, method=method, route=route, status=str(status))
        self._metrics.observe(HTTP_DURATION, seconds, method=method, route=route)
