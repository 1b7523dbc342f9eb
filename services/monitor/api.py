"""The board over REST and WebSocket, the alerts, and the wallboard page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, WebSocket
from starlette.responses import FileResponse, Response

from ipcc.auth.guard import require
from ipcc.auth.principal import Role
from ipcc.http.service import provided
from services.monitor.schemas import AlertView, BoardView
from services.monitor.usecases import Live

LiveHere = Annotated[Live, Depends(provided(Live))]
MAY_SEE = Depends(require(Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SYSTEM))
STATIC = Path(__file__).parent / "static"
PAGE_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self'"

router = APIRouter(prefix="/v1", tags=["monitor"])
pages = APIRouter(tags=["pages"])


@router.get("/board", dependencies=[MAY_SEE], summary="The whole board now")
async def read_board(live: LiveHere) -> BoardView:
    return live.view()


@router.get("/alerts", dependencies=[MAY_SEE], summary="What is wrong now")
async def list_alerts(live: LiveHere) -> list[AlertView]:
    return list(live.alerts.values())


@router.websocket("/board/events", dependencies=[MAY_SEE])
async def follow_board(socket: WebSocket, live: LiveHere, after: str | None = None) -> None:
    """The whole board, at once and whenever it changed."""
    await live.hub.serve(socket, after)


@pages.get("/wallboard", include_in_schema=False)
async def wallboard() -> Response:
    return FileResponse(STATIC / "wallboard.html", headers={"Content-Security-Policy": PAGE_POLICY})


@pages.get("/wallboard/{name}", include_in_schema=False)
async def wallboard_part(name: str) -> Response:
    # only what is listed here is served: the name never becomes a path
    parts = {"wallboard.js": "text/javascript", "wallboard.css": "text/css", "icon.svg": "image/svg+xml"}
    if name not in parts:
        return Response(status_code=404)
    return FileResponse(STATIC / name, media_type=parts[name])
