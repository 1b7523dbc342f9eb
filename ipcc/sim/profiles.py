"""Who calls whom, and when what happened: the caller profile of a channel, and the copy it keeps of its partner's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ipcc.sim.channel_variables import VariableValue


@dataclass
class Times:
    """The moments of one caller profile in microseconds since 1970, 0 while they have not happened."""

    profile_created: int = 0
    created: int = 0
    answered: int = 0
    progress: int = 0
    progress_media: int = 0
    hungup: int = 0
    transferred: int = 0
    resurrected: int = 0
    bridged: int = 0
    last_hold: int = 0
    hold_accum: int = 0


@dataclass
class Profile:
    """Who calls whom, as the Caller-* headers show it. A transfer or a bridge by uuid steps to the next profile."""

    username: str = ""
    dialplan: str = ""
    caller_name: str = ""
    caller_number: str = ""
    orig_caller_name: str = ""
    orig_caller_number: str = ""
    callee_name: str = ""
    callee_number: str = ""
    network_addr: str = ""
    ani: str = ""
    destination: str = ""
    rdnis: str = ""
    source: str = "mod_sofia"
    context: str = "default"
    transfer_source: str = ""
    uuid: str = ""
    direction: str = "inbound"
    logical_direction: str = "inbound"
    index: int = 1
    times: Times = field(default_factory=Times)

    def copied(self) -> Profile:
        """As it is now; later moments of the channel do not show in it."""
        return replace(self, times=replace(self.times))

    def stepped(self, uuid: str, now_us: int) -> Profile:
        """The next profile of the same channel, begun now."""
        times = replace(self.times, profile_created=now_us)
        return replace(self, uuid=uuid, index=self.index + 1, transfer_source="", times=times)


@dataclass
class OtherLeg:
    """A copy of the partner's profile as it was when the two met; it stays after the partner is gone (fact 24)."""

    type: str
    uuid: str
    channel_name: str
    profile: Profile
    headers: dict[str, VariableValue] | None = None
    """As event headers, once they were needed."""
