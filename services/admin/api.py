"""REST of the administration: read and change objects, their versions, the audit, the document as a whole."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Request, Response

from ipcc.auth.guard import require
from ipcc.auth.principal import Principal, Role
from ipcc.errors import Invalid
from ipcc.http.pagination import Page, PageQuery, page_of
from ipcc.http.service import provided
from services.admin.schemas import AuditAnswer, DocumentAnswer, Kind, VersionAnswer
from services.admin.store import Sought
from services.admin.usecases import Administration, Source, parse_object

Admin = Annotated[Administration, Depends(provided(Administration))]
Reader = Annotated[
    Principal,
    Depends(require(Role.ADMINISTRATOR, Role.SUPERVISOR, Role.QUALITY, Role.AUDITOR, Role.SYSTEM)),
]
Writer = Annotated[Principal, Depends(require(Role.ADMINISTRATOR))]
Auditor = Annotated[Principal, Depends(require(Role.ADMINISTRATOR, Role.AUDITOR))]
ObjectId = Annotated[str, Path(max_length=64)]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        pattern=r'^"?\d{1,9}"?$',
        description="change only if it is at this version; 0: only if there is none",
    ),
]

router = APIRouter(prefix="/v1", tags=["administration"])


@router.get("/audit", summary="Who did what to whom, the newest first")
async def list_audit(
    admin: Admin,
    _who: Auditor,
    query: PageQuery,
    actor: Annotated[str, Query(max_length=120, description="only his acts")] = "",
    kind: Annotated[str, Query(max_length=40, description="only acts on such things: queue, user, agent, entry")] = "",
    object_id: Annotated[str, Query(max_length=64, description="only acts on this one")] = "",
) -> Page[AuditAnswer]:
    position = query.position(1)
    sought = Sought(_number(position[0]) if position else None, actor, kind, object_id)
    entries = await admin.audit(sought, query.limit + 1)
    return page_of([AuditAnswer.of(entry) for entry in entries], query.limit, lambda entry: (entry.number,))


@router.post("/document", summary="Put a whole organisation in force, from YAML")
async def take_over(request: Request, admin: Admin, who: Writer) -> DocumentAnswer:
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        raise Invalid("config.document", "the document must be UTF-8 text") from None
    return DocumentAnswer.of(await admin.take_over(Source("document", text), who.subject))


@router.get("/{kind}", summary="Objects of one kind, in the order of their ids")
async def list_objects(kind: Kind, admin: Admin, _who: Reader, query: PageQuery) -> Page[VersionAnswer]:
    position = query.position(1)
    found = await admin.page(kind.value, str(position[0]) if position else None, query.limit + 1)
    return page_of([VersionAnswer.of(stored) for stored in found], query.limit, lambda one: (one.id,))


@router.get("/{kind}/{object_id}", summary="One object as it is in force")
async def get_object(kind: Kind, object_id: ObjectId, admin: Admin, _who: Reader, response: Response) -> VersionAnswer:
    stored = await admin.find(kind.value, object_id)
    response.headers["ETag"] = f'"{stored.version}"'
    return VersionAnswer.of(stored)


@router.get("/{kind}/{object_id}/versions", summary="Every version there was, the newest first")
async def list_versions(kind: Kind, object_id: ObjectId, admin: Admin, _who: Auditor) -> list[VersionAnswer]:
    return [VersionAnswer.of(stored) for stored in await admin.versions(kind.value, object_id)]


@router.put("/{kind}/{object_id}", summary="Create or change an object")
async def put_object(
    kind: Kind,
    object_id: ObjectId,
    body: Annotated[dict[str, Any], Body(description="the object; kind and id may be left out")],
    admin: Admin,
    who: Writer,
    if_match: IfMatch = None,
) -> VersionAnswer:
    subject = parse_object(kind.value, object_id, body)
    return VersionAnswer.of(await admin.save(subject, who.subject, version_of(if_match)))


@router.delete("/{kind}/{object_id}", summary="Remove an object", status_code=204)
async def delete_object(kind: Kind, object_id: ObjectId, admin: Admin, who: Writer, if_match: IfMatch = None) -> None:
    await admin.remove((kind.value, object_id), who.subject, version_of(if_match))


def version_of(if_match: str | None) -> int | None:
    """The version an If-Match header names."""
    return None if if_match is None else int(if_match.strip('"'))


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise Invalid("page.cursor", "after: not a cursor of this list; take it from `next` of the page before")
    return value
