"""A real PostgreSQL from the system's packages, started for the test run in a folder of its own, and fixtures that hand out databases.

``database_url`` runs a test twice, on SQLite and on PostgreSQL; ``postgres`` is the server, which a test may stop and start.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0

# a crash of the machine is not what tests try; a crash of the server is, so commits stay synchronous
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "timezone": "UTC",
}


class NoPostgres(Exception):
    """There is no PostgreSQL on this machine; the text says how to get one."""


def find_programs() -> Path:
    """The folder with ``initdb`` and ``postgres``; raises NoPostgres."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise NoPostgres("PostgreSQL is not installed: apt-get install -y postgresql")


def _account() -> dict[str, str | int]:
    """PostgreSQL refuses to run as root; then it runs as the account its package made."""
    if os.geteuid() != 0:
        return {}
    try:
        found = pwd.getpwnam("postgres")
    except KeyError:
        raise NoPostgres("running as root, and there is no account postgres to run PostgreSQL as") from None
    return {"user": found.pw_uid, "group": found.pw_gid}


@dataclass
class PostgresServer:
    """One server on a free port of 127.0.0.1; its data survive ``kill`` and ``start``."""

    folder: Path
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def create(self) -> None:
        """Make the data folder."""
        account = _account()
        if account:
            os.chown(self.folder, int(account["user"]), int(account["group"]))
        command = [str(find_programs() / "initdb"), "-D", str(self.folder / "data"), "-U", "ipcc", "-A", "trust"]
        done = subprocess.run(
            [*command, "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"], cwd=self.folder, capture_output=True, **account
        )  # type: ignore[call-overload]
        if done.returncode:
            raise NoPostgres(f"initdb failed: {done.stderr.decode().strip()}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self) -> None:
        """Start it and return when it accepts connections."""
        options = [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
        command = [str(find_programs() / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-h", "127.0.0.1", "-k", str(self.folder), *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **_account(),
            )  # type: ignore[call-overload]
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                _run(_ask(self.url("postgres")))
            except (OSError, asyncpg.PostgresError) as error:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    said = (self.folder / "log").read_text(errors="replace")[-2000:]
                    raise NoPostgres(f"PostgreSQL does not start: {error}\n{said}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT is PostgreSQL's fast shutdown, SIGQUIT its crash."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(STOP_TIMEOUT_S)

    def destroy(self) -> None:
        """End it and remove its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """As libpq writes it."""
        return f"postgresql://ipcc@127.0.0.1:{self.port}/{database}"

    def dump(self, url: str) -> bytes:
        """Every table of that database as text (a SQLAlchemy URL is understood)."""
        command = [str(find_programs() / "pg_dump"), "--inserts", url.replace("postgresql+asyncpg", "postgresql")]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def new_database(self) -> str:
        """The SQLAlchemy URL of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        _run(_ask(self.url("postgres"), f"CREATE DATABASE {name}"))
        return self.url(name).replace("postgresql://", "postgresql+asyncpg://")


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` to its end, also when the calling thread has a loop of its own (fixtures of async tests)."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def _ask(url: str, statement: str = "SELECT 1") -> None:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def own_server(*, started: bool = True) -> PostgresServer:
    """A server for one test that stops and starts it; the caller destroys it. Skips when the machine has none."""
    server = PostgresServer(Path(tempfile.mkdtemp(prefix="ipcc-postgres-")))
    try:
        server.create()
        if started:
            server.start()
    except NoPostgres as error:
        server.destroy()
        pytest.skip(str(error))
    return server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this test run; skips with the reason when the machine has none."""
    server = own_server()
    yield server
    server.destroy()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/test.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()
