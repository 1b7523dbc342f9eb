"""txfax and rxfax (mod_spandsp)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import fax, signalling

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


def txfax(channel: Channel, argument: str) -> Steps:
    """Send the TIFF file named."""
    yield from signalling.answering(channel)
    yield from fax.send(channel, argument.strip())


def rxfax(channel: Channel, argument: str) -> Steps:
    """Receive into the TIFF file named."""
    yield from signalling.answering(channel)
    yield from fax.receive(channel, argument.strip())
