"""Callers who come at random, as many as a quiet morning has: everything is counted alike and nobody is lost."""

from __future__ import annotations

import pytest

from tests.load.suite import main

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(240)]


async def test_report_board_and_log_agree_on_callers_who_come_at_random(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = await main(2, 8, in_processes=False)
    told = capsys.readouterr().out
    assert not wrong, told
    # a run in which nobody was served would add up, too
    assert "answered=0" not in told
    assert "joined on the switch -> answered on the board" in told
