"""The recording of a leg, silenced while a customer keys a password, and recording sound again."""

from __future__ import annotations

import contextlib

from ipcc.call.model import Leg
from ipcc.contracts import tags
from ipcc.errors import NotNow, SwitchRefused
from ipcc.esl.commands import RecordAction, UuidGetVar, UuidRecord
from services.ctiserver.steering import Steering

_UNSET = ("", "_undef_")


async def mask(steering: Steering, leg: Leg) -> None:
    """From now on it records silence; nothing when the leg is not recorded or has ended. Raises SwitchDown."""
    await _record(steering, leg, RecordAction.MASK)


async def unmask(steering: Steering, leg: Leg) -> None:
    """From now on it records sound; harmless when it does already. Raises SwitchDown."""
    await _record(steering, leg, RecordAction.UNMASK)


async def _record(steering: Steering, leg: Leg, action: RecordAction) -> None:
    with contextlib.suppress(SwitchRefused, NotNow):
        name = (await steering.api(leg, UuidGetVar(leg.leg_id, tags.RECORDING))).strip()
        if name not in _UNSET:
            path = steering.ways.recordings_root / name
            await steering.api(leg, UuidRecord(leg.leg_id, action, str(path)))
