"""record_session, stop_record_session and their masks: both sides of a call, beside whatever the leg does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import recording as recorder

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


def record_session(channel: Channel, argument: str) -> Steps:
    """Record both sides from the next frame on; a path that cannot be written is passed over in silence (10e)."""
    path, _, limit = argument.partition("+")
    if not recorder.can_start(channel, path.strip()):
        return
    yield channel.kernel.timeline.next_frame()
    recorder.start(channel, path.strip(), float(limit) if limit.isdigit() else 0)


def stop_record_session(channel: Channel, argument: str) -> None:
    recorder.stop(channel, argument.strip())


def record_session_mask(channel: Channel, argument: str) -> None:
    recorder.mask(channel, argument.strip(), masked=True)


def record_session_unmask(channel: Channel, argument: str) -> None:
    recorder.mask(channel, argument.strip(), masked=False)
