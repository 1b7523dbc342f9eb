"""The switch calling itself by SIP: an INVITE to one of its own profiles comes back as a call from a trunk (15d)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim.causes import sip_code
from ipcc.sim.sip import InboundCall
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.kernel import Kernel
    from ipcc.sim.outputs import PhoneInvited
    from ipcc.sim.phones import Phones


class OwnCalls:
    """Joins the two legs of each such call: what one side does, its SIP tells the other."""

    def __init__(self, kernel: Kernel, phones: Phones) -> None:
        self._kernel = kernel
        self._phones = phones

    def profile_at(self, address: str) -> str | None:
        """The profile of ours that listens there; None for everybody else."""
        host, _, port = address.rpartition(":")
        settings = self._kernel.settings
        if host not in (settings.address, settings.domain):
            return None
        return next((name for name, number in settings.profile_ports.items() if str(number) == port), None)

    def invite(self, invited: PhoneInvited) -> bool:
        """Let the INVITE arrive here; False when it is for somebody else."""
        profile = self.profile_at(invited.address)
        caller = self._kernel.find(invited.uuid)
        if profile is None or caller is None:
            return False
        settings = self._kernel.settings
        uuid = self._phones.invite(
            InboundCall(
                caller_number=invited.caller_number,
                dialled=invited.user,
                caller_name=invited.caller_name,
                profile=profile,
                context=settings.profile_contexts.get(profile, "public"),
                address=f"{settings.address}:{settings.profile_ports[caller.sofia_profile]}",
                sip_headers=invited.sip_headers,
            )
        )
        called = self._kernel.find(uuid or "")
        if called is None:
            self._phones.refuse(caller.uuid, 503)
            return True
        caller.far_end, called.far_end = called.uuid, caller.uuid
        called.watch(lambda: self._answering(called, caller))
        caller.watch(lambda: self._calling(caller, called))
        self._answering(called, caller)
        return True

    def _answering(self, called: Channel, caller: Channel) -> None:
        if called.is_down:
            if caller.has(Flag.ANSWERED):
                self._phones.hang_up(caller.uuid, called.cause or "NORMAL_CLEARING")
            else:
                self._phones.refuse(caller.uuid, sip_code(called.cause or "NORMAL_CLEARING"))
        elif called.has(Flag.ANSWERED):
            # our 200 says who answers, which a phone's does not
            caller.profile.callee_name = caller.profile.callee_number = called.profile.destination
            self._phones.answer(caller.uuid)
        elif called.has(Flag.EARLY_MEDIA):
            # the 200 follows in the same moment where there is one: 15d shows no 183
            self._kernel.timeline.after(0, lambda: self._progress(called, caller))
        elif called.has(Flag.RING_READY):
            self._phones.ring(caller.uuid)

    def _progress(self, called: Channel, caller: Channel) -> None:
        if not called.has(Flag.ANSWERED):
            self._phones.progress(caller.uuid)

    def _calling(self, caller: Channel, called: Channel) -> None:
        if not caller.is_down:
            return
        if called.has(Flag.ANSWERED):
            self._phones.hang_up(called.uuid, caller.cause or "NORMAL_CLEARING")
        else:
            self._phones.cancel(called.uuid)
