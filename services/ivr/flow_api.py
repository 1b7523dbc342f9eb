"""REST: the life of flows. Whoever may look at sessions may look at versions; only administrators change them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from ipcc.auth.guard import require
from ipcc.auth.principal import Principal, Role
from ipcc.http.service import provided
from services.ivr.publishing import FlowLife
from services.ivr.schemas import (
    DeedView,
    Draft,
    Publication,
    Shares,
    Target,
    TestReport,
    VersionSummary,
    VersionView,
)

Life = Annotated[FlowLife, Depends(provided(FlowLife))]
Writer = Annotated[Principal, Depends(require(Role.ADMINISTRATOR))]
MAY_SEE = Depends(require(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR, Role.SYSTEM))
FlowId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Number = Annotated[int, Path(ge=1)]

router = APIRouter(prefix="/v1/flows/{flow_id}", tags=["life of flows"])


@router.get("/versions", dependencies=[MAY_SEE], summary="Every version, the newest first")
async def list_versions(flow_id: FlowId, life: Life) -> list[VersionSummary]:
    return [VersionSummary.of(found) for found in await life.versions(flow_id)]


@router.post("/versions", status_code=201, summary="A new version, to be worked on")
async def draft(flow_id: FlowId, body: Draft, life: Life, who: Writer) -> VersionView:
    return VersionView.of(await life.draft(flow_id, body.document, body.cases, who.subject))


@router.get("/versions/{version}", dependencies=[MAY_SEE], summary="One version with its document and cases")
async def read_version(flow_id: FlowId, version: Number, life: Life) -> VersionView:
    return VersionView.of(await life.version(flow_id, version))


@router.put("/versions/{version}", summary="Write a version anew that is not published")
async def change(flow_id: FlowId, version: Number, body: Draft, life: Life, who: Writer) -> VersionView:
    return VersionView.of(await life.change(flow_id, version, body.document, body.cases, who.subject))


@router.post("/versions/{version}/validate", summary="Check it; a wrong one is refused naming node and reason")
async def validate(flow_id: FlowId, version: Number, life: Life, who: Writer) -> VersionSummary:
    return VersionSummary.of(await life.validate(flow_id, version, who.subject))


@router.post("/versions/{version}/test", summary="Run its own cases")
async def test(flow_id: FlowId, version: Number, life: Life, who: Writer) -> TestReport:
    return TestReport.of(*await life.test(flow_id, version, who.subject))


@router.post("/versions/{version}/publish", summary="Let callers meet it, all of them or a share")
async def publish(flow_id: FlowId, version: Number, body: Publication, life: Life, who: Writer) -> VersionSummary:
    return VersionSummary.of(await life.publish(flow_id, version, body.percent, who.subject))


@router.put("/shares", summary="Share new calls among published versions")
async def share(flow_id: FlowId, body: Shares, life: Life, who: Writer) -> Shares:
    return Shares(shares=dict(await life.share(flow_id, body.shares, who.subject)))


@router.post("/rollback", summary="All new calls meet an earlier version again")
async def roll_back(flow_id: FlowId, body: Target, life: Life, who: Writer) -> Shares:
    return Shares(shares=dict(await life.roll_back(flow_id, body.version, who.subject)))


@router.get("/acts", dependencies=[MAY_SEE], summary="Who did what to it, the newest first")
async def list_deeds(flow_id: FlowId, life: Life, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[DeedView]:
    return [DeedView.of(deed) for deed in await life.deeds(flow_id, limit)]
