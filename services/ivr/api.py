"""REST: sessions as they stand, flows as they are published, and the check of a flow document."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from ipcc.auth.guard import require
from ipcc.auth.principal import Role
from ipcc.errors import Invalid, NotFound
from ipcc.http.service import provided
from services.ivr.catalogue import FlowStore
from services.ivr.core.checks import parse
from services.ivr.core.flow import Flow
from services.ivr.runner import Runner
from services.ivr.schemas import Document, FlowView, ProblemView, SessionView, Verdict
from services.ivr.usecases import Sessions

SessionsHere = Annotated[Sessions, Depends(provided(Sessions))]
FlowsHere = Annotated[FlowStore, Depends(provided(FlowStore))]
MAY_SEE = Depends(require(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.SYSTEM))

router = APIRouter(prefix="/v1", tags=["ivr"])


@router.get("/sessions", dependencies=[MAY_SEE], summary="Callers in a flow now")
async def list_sessions(sessions: SessionsHere) -> list[SessionView]:
    return [_session_view(runner) for runner in sessions.running.values()]


@router.get("/sessions/{call_id}", dependencies=[MAY_SEE], summary="One caller's session")
async def read_session(call_id: str, sessions: SessionsHere) -> SessionView:
    runner = sessions.running.get(call_id)
    if runner is None:
        raise NotFound("session.unknown", f"call {call_id} is in no flow of this replica now")
    return _session_view(runner)


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


def _session_view(runner: Runner) -> SessionView:
    session = runner.session
    return SessionView(
        session_id=session.session_id,
        call_id=session.call_id,
        flow=runner.flow_id,
        at=session.at,
        attempt=session.attempt,
        language=session.language,
        started_at=session.started_at,
        path=list(session.path),
    )
