"""Moments as numbers in SQL, so that a database can cut time into intervals: the same on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class unix_seconds(GenericFunction[int]):
    """Whole seconds since 1970 in UTC of a column of UtcDateTime, rounded down."""

    type = BigInteger()
    inherit_cache = True


@compiles(unix_seconds, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"CAST(strftime('%s', {compiler.process(element.clauses, **kw)}) AS INTEGER)"


@compiles(unix_seconds, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"CAST(FLOOR(EXTRACT(epoch FROM {compiler.process(element.clauses, **kw)})) AS BIGINT)"
