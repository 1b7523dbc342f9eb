"""A cable between two simulated switches: what one dials at the other's address arrives there, and each side learns what the other does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ipcc.sim.causes import sip_code
from ipcc.sim.channels import Channel
from ipcc.sim.outputs import Output, PhoneInvited
from ipcc.sim.sip import InboundCall
from ipcc.sim.states import Flag
from ipcc.sim.switch import SimSwitch


@dataclass(frozen=True)
class Cable:
    """From ``near`` to the profile nodes of ``far``, which is at ``address``."""

    near: SimSwitch
    far: SimSwitch
    address: str

    def lay(self) -> None:
        """Carry calls from now on."""
        self.near.add_listener(self._hear)

    def _hear(self, output: Output) -> None:
        if isinstance(output, PhoneInvited) and output.address == self.address:
            # a switch is told of nothing while it is telling
            asyncio.get_running_loop().call_soon(self._arrive, output)

    def _arrive(self, invited: PhoneInvited) -> None:
        self.far.catch_up()
        uuid = self.far.engine.phones.invite(
            InboundCall(
                caller_number=invited.caller_number,
                dialled=invited.user,
                profile="nodes",
                context="nodes",
                address="127.0.0.1:5070",
            )
        )
        called, caller = self.far.engine.kernel.find(uuid or ""), self.near.engine.kernel.find(invited.uuid)
        if called is not None and caller is not None:
            called.watch(lambda: self._then(self._answering, called, caller))
            caller.watch(lambda: self._then(self._calling, called, caller))
            self._answering(called, caller)
        self._go_on()

    def _then(self, tell: Callable[[Channel, Channel], None], called: Channel, caller: Channel) -> None:
        def carry() -> None:
            tell(called, caller)
            self._go_on()

        asyncio.get_running_loop().call_soon(carry)

    def _go_on(self) -> None:
        for switch in (self.near, self.far):
            switch.catch_up()
            switch.go_on()

    def _answering(self, called: Channel, caller: Channel) -> None:
        phones = self.near.engine.phones
        if caller.is_down:
            return
        if called.is_down:
            if caller.has(Flag.ANSWERED):
                phones.hang_up(caller.uuid)
            else:
                phones.refuse(caller.uuid, sip_code(called.cause or "NORMAL_CLEARING"))
        elif called.has(Flag.ANSWERED):
            phones.answer(caller.uuid)
        elif called.has(Flag.RING_READY):
            phones.ring(caller.uuid)

    def _calling(self, called: Channel, caller: Channel) -> None:
        if not caller.is_down or called.is_down:
            return
        if called.has(Flag.ANSWERED):
            self.far.engine.phones.hang_up(called.uuid)
        else:
            self.far.engine.phones.cancel(called.uuid)
