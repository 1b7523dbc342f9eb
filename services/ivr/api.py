"""REST: sessions as they stand, flows as they are published, and the check of a flow document."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response, WebSocket

from ipcc.auth.guard import require
from ipcc.auth.principal import Role
from ipcc.errors import Invalid, NotFound
from ipcc.http.service import provided
from services.ivr.catalogue import FlowStore
from services.ivr.core.checks import parse
from services.ivr.core.flow import Flow
from services.ivr.live import Live
from services.ivr.schemas import (
    CountView,
    Document,
    FlowView,
    ProblemView,
    SessionView,
    TraceView,
    Verdict,
    Wanted,
)
from services.ivr.tracing import Traces

LiveHere = Annotated[Live, Depends(provided(Live))]
FlowsHere = Annotated[FlowStore, Depends(provided(FlowStore))]
TracesHere = Annotated[Traces, Depends(provided(Traces))]
MAY_SEE = Depends(require(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SYSTEM))
BEHIND = "Behind-Seconds"
SAYS_HOW_OLD: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            BEHIND: {
                "description": "how old, in seconds, what is shown of other replicas may be",
                "schema": {"type": "number"},
            }
        }
    }
}

router = APIRouter(prefix="/v1", tags=["ivr"])


@router.get(
    "/sessions", dependencies=[MAY_SEE], summary="Callers in a flow now, in all replicas", responses=SAYS_HOW_OLD
)
async def list_sessions(live: LiveHere, wanted: Annotated[Wanted, Query()], response: Response) -> list[SessionView]:
    response.headers[BEHIND] = str(live.behind_s())
    return live.views(wanted)


@router.get(
    "/sessions/counts",
    dependencies=[MAY_SEE],
    summary="How many callers stand at which node now, in all replicas",
    responses=SAYS_HOW_OLD,
)
async def count_sessions(live: LiveHere, wanted: Annotated[Wanted, Query()], response: Response) -> list[CountView]:
    response.headers[BEHIND] = str(live.behind_s())
    return live.counts(wanted)


@router.websocket("/live", dependencies=[MAY_SEE])
async def follow(
    socket: WebSocket, live: LiveHere, after: str | None = None, flow: str = "", node: str = "", queue: str = ""
) -> None:
    """Every change of a session, in all replicas; ``after`` the last id seen, the rest as for the list."""
    await live.follow(socket, after, Wanted(flow=flow, node=node, queue=queue))


@router.get("/sessions/{call_id}", dependencies=[MAY_SEE], summary="One caller's session, wherever it runs")
async def read_session(call_id: str, live: LiveHere) -> SessionView:
    found = live.find(call_id)
    if found is None:
        raise NotFound("session.unknown", f"call {call_id} is in no flow now")
    return found


@router.get(
    "/sessions/{session_id}/trace",
    dependencies=[MAY_SEE],
    summary="What happened in one session, step by step; by its own id or that of its call",
)
async def trace_session(
    session_id: str,
    traces: TracesHere,
    call_id: Annotated[str, Query(description="makes a session of another replica quick to find")] = "",
) -> TraceView:
    return TraceView.of(await traces.find(session_id, call_id))


@router.get("/flows", dependencies=[MAY_SEE], summary="Published flows")
async def list_flows(flows: FlowsHere) -> list[FlowView]:
    return [FlowView(id=f.id, version=f.version, name=f.name, nodes=len(f.nodes)) for f in flows.all()]


@router.get("/flows/{flow_id}", dependencies=[MAY_SEE], summary="The published version of a flow")
async def read_flow(flow_id: str, flows: FlowsHere) -> Flow:
    return flows.published(flow_id)


@router.post("/flows/check", dependencies=[MAY_SEE], summary="Whether a flow document can be published")
async def check_flow(body: Document, flows: FlowsHere) -> Verdict:
    try:
        parse(body.document, flows.parts(), flows.catalogue)
    except Invalid as error:
        found = error.details.get("problems") or [{"node": "", "en": error.message, "zh": error.message}]
        return Verdict(valid=False, problems=[ProblemView(**problem) for problem in found])
    return Verdict(valid=True, problems=[])
