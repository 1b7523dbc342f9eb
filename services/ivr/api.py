"""REST: sessions as they stand, flows as they are published, and the check of a flow document."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from ipcc.auth.guard import require
from ipcc.auth.principal import Role
from ipcc.errors import Invalid, NotFound
from ipcc.http.service import provided
from services.ivr.catalogue import FlowStore
from services.ivr.core.checks import parse
from services.ivr.core.flow import Flow
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
from services.ivr.usecases import Sessions

SessionsHere = Annotated[Sessions, Depends(provided(Sessions))]
FlowsHere = Annotated[FlowStore, Depends(provided(FlowStore))]
TracesHere = Annotated[Traces, Depends(provided(Traces))]
MAY_SEE = Depends(require(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SYSTEM))

router = APIRouter(prefix="/v1", tags=["ivr"])


@router.get("/sessions", dependencies=[MAY_SEE], summary="Callers in a flow of this replica now")
async def list_sessions(sessions: SessionsHere, wanted: Annotated[Wanted, Query()]) -> list[SessionView]:
    return [view for view in map(SessionView.of, sessions.running.values()) if wanted.fits(view)]


@router.get("/sessions/counts", dependencies=[MAY_SEE], summary="How many callers stand at which node now")
async def count_sessions(sessions: SessionsHere, wanted: Annotated[Wanted, Query()]) -> list[CountView]:
    views = [view for view in map(SessionView.of, sessions.running.values()) if wanted.fits(view)]
    counted = Counter((view.flow, view.version, view.at, view.kind, view.queue) for view in views)
    names = ("flow", "version", "at", "kind", "queue")
    return [CountView(**dict(zip(names, key, strict=True)), callers=n) for key, n in sorted(counted.items())]


@router.get("/sessions/{call_id}", dependencies=[MAY_SEE], summary="One caller's session")
async def read_session(call_id: str, sessions: SessionsHere) -> SessionView:
    runner = sessions.running.get(call_id)
    if runner is None:
        raise NotFound("session.unknown", f"call {call_id} is in no flow of this replica now")
    return SessionView.of(runner)


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
