"""The simulated switch as a program of its own, talked to by whatever speaks the event socket."""

import asyncio
import contextlib
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ipcc.sim.__main__ import main

PASSWORD = "of-this-test"


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """Host and port of a running program."""
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ipcc.sim", "--listen", "127.0.0.1:0"),
        *("--spool", str(tmp_path / "spool"), "--password-file", str(tmp_path / "password"), "--register", "1001"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdout is not None
    async with asyncio.timeout(30):
        lines: list[str] = []
        while not lines or not lines[-1].startswith("event socket"):
            lines.append((await program.stdout.readline()).decode())
    assert any(line.startswith("registered") and "1001" in line for line in lines)
    host, _, port = lines[-1].split()[-1].rpartition(":")
    yield host, port
    program.send_signal(signal.SIGTERM)
    await program.communicate()
    assert program.returncode == 0


async def test_it_answers_an_event_socket_client(address: tuple[str, str]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    assert await reader.readuntil(b"\n\n") == b"Content-Type: auth/request\n\n"
    writer.write(f"auth {PASSWORD}\n\napi show registrations\n\nexit\n\n".encode())
    heard = await asyncio.wait_for(reader.read(-1), 10)
    assert b"+OK accepted" in heard
    assert b"1001,ipcc.local" in heard
    assert heard.endswith(b"cluecon.com/\n")
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@pytest.mark.skipif(shutil.which("fs_cli") is None, reason="fs_cli of a real FreeSWITCH is not on the PATH")
async def test_the_command_line_of_a_real_switch_can_use_it(address: tuple[str, str]) -> None:
    host, port = address
    said = await asyncio.create_subprocess_exec(
        *("fs_cli", "-H", host, "-P", port, "-p", PASSWORD, "-x", "status"), stdout=asyncio.subprocess.PIPE
    )
    text, _ = await said.communicate()
    assert b"is ready" in text


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--listen", "127.0.0.1:0", "--conf", str(tmp_path / "no"), "--spool", str(tmp_path)])
    assert code == 2
    assert str(tmp_path / "no") in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["8021", "host:", "host:port"])
def test_an_address_that_is_none_is_refused(wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--listen", wrong, "--spool", str(tmp_path)]) == 2
    assert "HOST:PORT is wanted" in capsys.readouterr().err
