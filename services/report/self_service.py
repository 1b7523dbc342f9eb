"""What callers left behind, counted by the database: voicemails by queue and interval, faxes, answers to surveys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ipcc.contracts.acd import EntryOutcome
from ipcc.contracts.recording import VoicemailOutcome
from ipcc.db.moments import unix_milliseconds, unix_seconds
from services.report.core.self_service import (
    FaxFigures,
    SurveyFigures,
    VoicemailFigures,
    fax_figures,
    survey_figures,
)
from services.report.tables import FaxRow, StayRow, SurveyAnswerRow, VoicemailCallRow, VoicemailRow, VoicemailStepRow

Row = dict[str, Any]


async def voicemails(
    session: AsyncSession, since: datetime, until: datetime, step_s: int
) -> dict[tuple[int, str], VoicemailFigures]:
    """The figures by number of the interval, from 0, and queue. ``since`` is at a whole second."""
    found = (await session.execute(_voicemails(since, until, step_s))).mappings()
    cells = {}
    for row in found:
        sums = {name: int(value) for name, value in row.items() if name not in ("number", "queue_id")}
        cells[int(row["number"]), str(row["queue_id"])] = VoicemailFigures(**sums)
    return cells


async def faxes(session: AsyncSession, since: datetime, until: datetime) -> list[FaxFigures]:
    """Of the tries that ended from ``since`` to before ``until``."""
    row = FaxRow
    first = func.sum(case((row.attempt == 1, 1), else_=0))
    wanted = select(row.document, row.to, row.outcome, func.count(), first, func.sum(row.pages))
    wanted = wanted.where(row.done_at >= since, row.done_at < until).group_by(row.document, row.to, row.outcome)
    rows = (await session.execute(wanted)).all()
    return fax_figures((str(d), str(t), str(o), int(n), int(f), int(p)) for d, t, o, n, f, p in rows)


async def surveys(session: AsyncSession, since: datetime, until: datetime, survey: str) -> list[SurveyFigures]:
    """Of the answers given from ``since`` to before ``until``, to one survey or all."""
    rows = (await session.execute(_answers(since, until, survey))).all()
    return survey_figures((str(s), str(q), str(u), str(a), int(key), int(n)) for s, q, u, a, key, n in rows)


async def of_call(session: AsyncSession, call_id: str) -> dict[str, list[Row]]:
    """The voicemails left in the call or called back for in it, with their steps and the calls made for them; its faxes and answers."""
    called_for = select(VoicemailCallRow.voicemail_id).where(VoicemailCallRow.call_id == call_id)
    is_its = (VoicemailRow.call_id == call_id) | VoicemailRow.voicemail_id.in_(called_for)
    mails = await _rows(session, select(VoicemailRow).where(is_its).order_by(VoicemailRow.left_at))
    for mail in mails:
        of_mail = VoicemailStepRow.voicemail_id == mail["voicemail_id"]
        steps = select(VoicemailStepRow).where(of_mail).order_by(VoicemailStepRow.at, VoicemailStepRow.event_id)
        calls = select(VoicemailCallRow).where(VoicemailCallRow.voicemail_id == mail["voicemail_id"])
        mail["steps"] = await _rows(session, steps)
        mail["calls"] = [row["call_id"] for row in await _rows(session, calls.order_by(VoicemailCallRow.call_id))]
    faxed = select(FaxRow).where(FaxRow.call_id == call_id).order_by(FaxRow.done_at)
    answered = select(SurveyAnswerRow).where(SurveyAnswerRow.call_id == call_id).order_by(SurveyAnswerRow.answered_at)
    return {"voicemails": mails, "faxes": await _rows(session, faxed), "answers": await _rows(session, answered)}


async def _rows(session: AsyncSession, wanted: Select[Any]) -> list[Row]:
    found = (await session.scalars(wanted)).all()
    return [{column.key: getattr(row, column.key) for column in row.__table__.columns} for row in found]


def _voicemails(since: datetime, until: datetime, step_s: int) -> Select[Any]:
    row = VoicemailRow
    number = (unix_seconds(row.left_at) - int(since.timestamp())) // step_s
    is_done, is_taken = row.done_at.is_not(None), row.taken_at.is_not(None)
    wait_ms = case((is_taken, unix_milliseconds(row.taken_at) - unix_milliseconds(row.left_at)), else_=0)
    done_ms = case((is_done, unix_milliseconds(row.done_at) - unix_milliseconds(row.left_at)), else_=0)
    counts = {
        "taken": is_taken,
        "taken_in_time": is_taken & (row.taken_at <= row.due_at),
        "done": is_done,
        **{outcome.value: row.outcome == outcome.value for outcome in VoicemailOutcome},
        "still_taken": ~is_done & (row.state == "taken"),
        "still_waiting": ~is_done & (row.state != "taken"),
    }
    step = VoicemailStepRow
    put_back = (
        select(func.count())
        .where(step.voicemail_id == row.voicemail_id, step.change == "put_back")
        .correlate(row)
        .scalar_subquery()
    )
    each = (
        select(
            number.label("number"),
            row.queue_id,
            *(case((is_so, 1), else_=0).label(name) for name, is_so in counts.items()),
            put_back.label("put_back"),
            wait_ms.label("wait_ms"),
            done_ms.label("done_after_ms"),
        )
        .where(row.left_at >= since, row.left_at < until)
        .subquery("each_voicemail")
    )
    summed = (*counts, "put_back", "wait_ms", "done_after_ms")
    return select(
        each.c.number,
        each.c.queue_id,
        func.count().label("left"),
        *(func.sum(each.c[name]).label(name) for name in summed),
        func.max(each.c.wait_ms).label("longest_wait_ms"),
    ).group_by(each.c.number, each.c.queue_id)


def _answers(since: datetime, until: datetime, survey: str) -> Select[*tuple[Any, ...]]:
    """Each answer belongs to the agent who served its caller last before it."""
    row, stay = SurveyAnswerRow, StayRow
    served = (
        select(stay.entry_id)
        .where(
            stay.call_id == row.call_id,
            stay.outcome == EntryOutcome.ANSWERED.value,
            stay.ended_at <= row.answered_at,
        )
        .order_by(stay.ended_at.desc(), stay.entry_id)
        .limit(1)
        .correlate(row)
        .scalar_subquery()
    )
    queue_id, agent_id = func.coalesce(stay.queue_id, ""), func.coalesce(stay.agent_id, "")
    names = (row.survey, row.question, queue_id, agent_id, row.answer)
    wanted: Select[*tuple[Any, ...]] = select(*names, func.count()).join_from(
        row, stay, stay.entry_id == served, isouter=True
    )
    wanted = wanted.where(row.answered_at >= since, row.answered_at < until)
    return (wanted.where(row.survey == survey) if survey else wanted).group_by(*names)
