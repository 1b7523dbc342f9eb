"""REST: call detail and the interval report."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from ipcc.auth.guard import require
from ipcc.auth.principal import Role
from ipcc.http.service import provided
from services.report.core.self_service import SATISFACTION_FORMULA
from services.report.schemas import (
    CallView,
    FaxView,
    FlowVersionView,
    IntervalReport,
    JourneyView,
    SurveyReport,
    SurveyView,
    VoicemailReport,
)
from services.report.usecases import Reports

Here = Annotated[Reports, Depends(provided(Reports))]
MAY_READ = Depends(require(Role.SUPERVISOR, Role.QUALITY, Role.ADMINISTRATOR, Role.AUDITOR, Role.SYSTEM))

router = APIRouter(prefix="/v1", tags=["report"], dependencies=[MAY_READ])


@router.get("/calls", summary="Call detail of a stretch of time, the newest first")
async def list_calls(
    here: Here,
    since: AwareDatetime,
    until: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[CallView]:
    found = await here.store.calls(since, until or since + timedelta(days=1), limit)
    return [CallView.model_validate(row) for row in found]


@router.get("/calls/{call_id}", summary="One call with all that happened in it")
async def read_call(call_id: str, here: Here) -> JourneyView:
    found = asdict(await here.journey(call_id))
    return JourneyView.model_validate({**found.pop("call"), **found})


@router.get("/reports/queue-intervals", summary="Queues by interval of the bank's clock")
async def queue_intervals(
    here: Here,
    since: AwareDatetime,
    until: AwareDatetime | None = None,
    minutes: int = 30,
    medium: Annotated[str, Query(max_length=16, description="only queues for this: voice, chat, mail or message")] = "",
) -> IntervalReport:
    return await here.queue_intervals(since, until or since + timedelta(days=1), minutes, medium)


@router.get("/reports/flows", summary="Voice flows by version: sessions, nodes, exits, inputs, abandonment")
async def flow_versions(
    here: Here,
    since: AwareDatetime,
    until: AwareDatetime | None = None,
    flow: Annotated[str, Query(max_length=64, description="only this one")] = "",
) -> list[FlowVersionView]:
    found = await here.store.flow_figures(since, until or since + timedelta(days=1), flow)
    return [FlowVersionView.model_validate(one) for one in found]


@router.get("/reports/voicemails", summary="Voicemails by queue and interval of the bank's clock")
async def voicemails(
    here: Here, since: AwareDatetime, until: AwareDatetime | None = None, minutes: int = 30
) -> VoicemailReport:
    return await here.voicemails(since, until or since + timedelta(days=1), minutes)


@router.get("/reports/faxes", summary="Faxes by document: sent, failed, and how each try ended")
async def faxes(here: Here, since: AwareDatetime, until: AwareDatetime | None = None) -> list[FaxView]:
    found = await here.store.fax_figures(since, until or since + timedelta(days=1))
    return [FaxView.model_validate(one) for one in found]


@router.get(
    "/reports/surveys", summary="Answers to surveys by question, queue and agent: number, average, distribution"
)
async def surveys(
    here: Here,
    since: AwareDatetime,
    until: AwareDatetime | None = None,
    survey: Annotated[str, Query(max_length=64, description="only this one")] = "",
) -> SurveyReport:
    found = await here.store.survey_figures(since, until or since + timedelta(days=1), survey)
    return SurveyReport(
        average_formula=SATISFACTION_FORMULA, questions=[SurveyView.model_validate(one) for one in found]
    )
