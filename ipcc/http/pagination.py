"""Lists in pages: at most ``limit`` rows after an opaque cursor; stable while rows are added, unlike page numbers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from ipcc.errors import Invalid

T = TypeVar("T")

MAX_LIMIT = 500


class Page(BaseModel, Generic[T]):
    """One page; ``next`` is the ``after`` of the following one, None on the last."""

    items: list[T]
    next: str | None = None


class PageRequest(BaseModel):
    """Query parameters of a list; use ``Annotated[PageRequest, Query()]``."""

    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="rows per page")
    after: str | None = Field(None, max_length=512, description="`next` of the page before")

    def position(self, width: int) -> tuple[Any, ...] | None:
        """The sort values of the last row seen, ``width`` of them; raises Invalid for a cursor that is not ours."""
        return None if self.after is None else decode_cursor(self.after, width)


PageQuery = Annotated[PageRequest, Query()]


def encode_cursor(values: Sequence[Any]) -> str:
    """The sort values of a row as one opaque word."""
    return base64.urlsafe_b64encode(orjson.dumps(list(values))).decode().rstrip("=")


def decode_cursor(cursor: str, width: int) -> tuple[Any, ...]:
    """The sort values in ``cursor``; raises Invalid when it was not made by ``encode_cursor`` for this list."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        values = None
    if (
        not isinstance(values, list)
        or len(values) != width
        or not all(isinstance(v, (str, int, float)) for v in values)
    ):
        raise Invalid("page.cursor", "after: not a cursor of this list; take it from `next` of the page before")
    return tuple(values)


def page_of(rows: Sequence[T], limit: int, key: Callable[[T], Sequence[Any]]) -> Page[T]:
    """A page out of ``rows``, of which the caller fetched up to ``limit + 1`` to know whether there are more."""
    items = list(rows[:limit])
    more = len(rows) > limit
    return Page(items=items, next=encode_cursor(key(items[-1])) if more else None)
