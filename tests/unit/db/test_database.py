"""What is wrong with a database is said in our words, and a fault of the program is not taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from ipcc.db.database import Conflict, Database, translate
from ipcc.errors import Invalid, NotNow, StoreDown


class DriverError(Exception):
    def __init__(self, text: str, sqlstate: str | None = None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


def raised(kind: type[DBAPIError], text: str, sqlstate: str | None = None) -> DBAPIError:
    return kind("SELECT 1", None, DriverError(text, sqlstate))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError("refused"), StoreDown),
        (TimeoutError(), StoreDown),
        (PoolTimeout("all used"), StoreDown),
        (raised(DBAPIError, "terminating connection", "57P01"), StoreDown),
        (raised(DBAPIError, "too many clients", "53300"), StoreDown),
        (raised(OperationalError, "unable to open database file"), StoreDown),
        (raised(OperationalError, "database is locked"), Conflict),
        (raised(DBAPIError, "deadlock detected", "40P01"), Conflict),
        (raised(DBAPIError, "could not serialize", "40001"), Conflict),
        (raised(IntegrityError, "duplicate key", "23505"), NotNow),
        (StaleDataError("0 rows"), NotNow),
    ],
)
def test_what_the_driver_says_becomes_an_error_of_ours(error: Exception, kind: type[Exception]) -> None:
    translated = translate(error)  # type: ignore[arg-type]
    assert type(translated) is kind


def test_a_fault_of_the_program_stays_what_it_is() -> None:
    assert translate(raised(ProgrammingError, "no such column", "42703")) is None


def test_an_unknown_outcome_is_marked() -> None:
    translated = translate(ConnectionResetError("gone"), outcome="unknown")
    assert translated is not None
    assert translated.details == {"outcome": "unknown"}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://x/y", "use postgresql"),
        ("sqlite+aiosqlite://", "needs a file"),
        ("sqlite+aiosqlite:///:memory:", "needs a file"),
        ("postgresql://u@h/d", "use postgresql\\+asyncpg"),
    ],
)
def test_a_url_we_do_not_serve_is_refused_with_what_to_use(url: str, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        Database(url, "toy")


@pytest.mark.parametrize("service", ["", "Acd", "a-b", "a;drop schema x", "1a"])
def test_a_name_that_cannot_be_a_schema_is_refused(service: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="schema"):
        Database(f"sqlite+aiosqlite:///{tmp_path}/x.db", service)
