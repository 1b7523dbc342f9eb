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


class unix_milliseconds(GenericFunction[int]):
    """Milliseconds since 1970 in UTC of a column of UtcDateTime, to the nearest one or the one below."""

    type = BigInteger()
    inherit_cache = True


@compiles(unix_milliseconds, "sqlite")
def _milliseconds_on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    # a day as a number of this size is good for a tenth of a millisecond
    return f"CAST(ROUND((julianday({compiler.process(element.clauses, **kw)}) - 2440587.5) * 86400000) AS INTEGER)"


@compiles(unix_milliseconds, "postgresql")
def _milliseconds_on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"CAST(FLOOR(EXTRACT(epoch FROM {compiler.process(element.clauses, **kw)}) * 1000) AS BIGINT)"
