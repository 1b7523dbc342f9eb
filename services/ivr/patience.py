"""What is asked of a caller's leg while its switch may be away: with patience, or once."""

from __future__ import annotations

import structlog

from ipcc.clock import Clock
from ipcc.errors import SwitchDown, SwitchRefused
from ipcc.esl.wire import WireError
from services.ivr.ports import Line, LineLost

log = structlog.get_logger(__name__)

RETRY_S = 1.0


async def look_once(line: Line) -> bool | None:
    """Whether he is there; None when the switch cannot be asked."""
    try:
        return await line.exists()
    except SwitchDown:
        return None


async def is_there(line: Line, clock: Clock) -> bool:
    """Whether he is there, as soon as the switch can be asked."""
    while True:
        found = await look_once(line)
        if found is not None:
            return found
        await clock.sleep(RETRY_S)


async def talks(line: Line, clock: Clock) -> bool:
    """Whether he is joined to somebody, as soon as the switch can be asked."""
    while True:
        try:
            return await line.is_joined()
        except LineLost:
            return False
        except SwitchDown:
            await clock.sleep(RETRY_S)


async def quieten(line: Line) -> None:
    """Stop what is played or asked, if that can be done."""
    try:
        await line.cut_short()
    except (LineLost, SwitchDown, SwitchRefused, WireError) as error:
        log.info("not_quietened", error=str(error))


async def fall_back(call_id: str, line: Line) -> None:
    """Give him to the safety net now; where that cannot be done the switch's own timer has him."""
    try:
        await line.fall_back()
    except (LineLost, SwitchDown, SwitchRefused) as error:
        log.warning("not_fallen_back", call_id=call_id, error=str(error))
