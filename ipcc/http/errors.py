"""One shape for every error a client sees: problem+json (RFC 9457) with our stable code; the input is never echoed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from ipcc.errors import IpccError, Unavailable

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

# What every route may answer besides its own; one entry for all, since all have the same shape.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document (RFC 9457); programs look at `code`.",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "code", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "code": {"type": "string", "description": "stable, such as agent.not_ready"},
                        "detail": {"type": "string", "description": "for people"},
                        "instance": {"type": "string"},
                        "details": {"type": "object"},
                        "errors": {"type": "array", "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}

# close codes of RFC 6455 section 7.4.2, private range: 4000 + the HTTP status
_WS_CLOSE = 4000


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """The response. ``code`` is what programs look at, ``detail`` what people read."""
    body = {
        "type": f"urn:ipcc:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    content = orjson.dumps(body, default=str)
    return Response(content, status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem document."""
    handlers: dict[type[Exception], Any] = {
        IpccError: _on_ipcc_error,
        RequestValidationError: _on_invalid_request,
        WebSocketRequestValidationError: _on_invalid_websocket,
        HTTPException: _on_http_exception,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _on_ipcc_error(connection: HTTPConnection, error: Exception) -> Response | None:
    if not isinstance(error, IpccError):
        raise error
    if error.status >= 500:
        log.error("request_failed", code=error.code, reason=error.message)
    if isinstance(connection, WebSocket):
        await connection.close(_WS_CLOSE + error.status, error.code)
        return None
    return problem(
        error.status,
        error.code,
        error.message,
        _headers_of(error),
        instance=connection.url.path,
        details=error.details,
    )


def _headers_of(error: IpccError) -> dict[str, str]:
    if isinstance(error, Unavailable):
        return {"Retry-After": str(math.ceil(error.retry_after_s))}
    return {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else {}


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [{"field": _field_of(fault["loc"]), "reason": str(fault["msg"])} for fault in error.errors()]
    detail = "; ".join(f"{fault['field']}: {fault['reason']}" for fault in faults)
    return problem(422, "request.invalid", detail, instance=request.url.path, errors=faults)


async def _on_invalid_websocket(websocket: WebSocket, error: Exception) -> None:
    await websocket.close(_WS_CLOSE + 422, "request.invalid")


def _field_of(location: Any) -> str:
    parts = [str(part) for part in location]
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] in {"body", "query", "path", "header"} else parts)


async def _on_http_exception(connection: HTTPConnection, error: Exception) -> Response | None:
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(connection, WebSocket):
        await connection.close(_WS_CLOSE + error.status_code)
        return None
    code = "http." + HTTPStatus(error.status_code).name.lower()
    return problem(error.status_code, code, str(error.detail), error.headers, instance=connection.url.path)


class CatchAll:
    """The last resort of HTTP requests: an unexpected exception is logged once and answered with 500, without its text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            log.exception("request_crashed", method=scope["method"], path=scope["path"])
            if started:
                raise
            answer = problem(500, "bug.unexpected", "an unexpected error; it has been logged", instance=scope["path"])
            await answer(scope, receive, send)
