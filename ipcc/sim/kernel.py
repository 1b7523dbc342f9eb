"""What every part of the simulated switch shares: its time, its channels, its events going out, its identities. Pure."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ipcc.sim import headers
from ipcc.sim.channels import Channel
from ipcc.sim.conference import Rooms
from ipcc.sim.listing import Listing
from ipcc.sim.outputs import HeaderValue, Output, PhoneInvited, SimEvent
from ipcc.sim.registrations import Registrar
from ipcc.sim.scheduler import Scheduler
from ipcc.sim.settings import EngineSettings
from ipcc.sim.states import CallState, State
from ipcc.sim.timeline import Steps, Timeline

Application = Callable[[Channel, str], Steps | None]
"""An application: what it does to a channel with its argument; steps if it takes time."""

NO_EXTRA: Mapping[str, HeaderValue] = {}


@dataclass
class Counters:
    """What ``status`` and HEARTBEAT count."""

    sessions: int = 0
    peak: int = 0
    second: int = 0
    in_second: int = 0
    in_second_max: int = 0


@dataclass
class Kernel:
    """One running switch."""

    settings: EngineSettings
    timeline: Timeline
    registrar: Registrar
    channels: dict[str, Channel] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    rooms: Rooms = field(default_factory=Rooms)
    scheduler: Scheduler = field(init=False)
    listing: Listing = field(init=False)
    applications: Mapping[str, Application] = field(default_factory=dict)
    globals: dict[str, str] = field(default_factory=dict)
    run_api: Callable[[str, str], str] = lambda command, argument: ""
    invite_self: Callable[[PhoneInvited], bool] = lambda invited: False
    """An INVITE on its way out; True when it is for this very switch."""
    paused_inbound: bool = False
    paused_outbound: bool = False
    _outputs: list[Output] = field(default_factory=list)
    _sequence: int = 0
    _dated: int = -1
    _date_headers: dict[str, HeaderValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.timeline)
        self.listing = Listing(self.timeline, lambda: self.scheduler.listed)
        self.scheduler.changed = self.listing.note
        self._random = random.Random(self.settings.seed)
        self.core_uuid = self.new_uuid()
        if self.settings.jitter:
            # a generator of its own: what is drawn for the order of sessions must not change their uuids
            dice = random.Random(self.settings.seed)
            self.timeline.lag = lambda: dice.randrange(2)

    @property
    def now(self) -> float:
        return self.timeline.now

    @property
    def stamp_us(self) -> int:
        return self.timeline.stamp_us()

    def new_uuid(self) -> str:
        """A version 4 uuid; the same seed gives the same ones."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def draw(self, below: int) -> int:
        """A number from 0 to ``below`` - 1 (ports, tags)."""
        return self._random.randrange(below)

    # --- what goes out -------------------------------------------------------------------------------------------

    def put(self, output: Output) -> None:
        """Something leaves the switch."""
        self._outputs.append(output)

    def take(self) -> list[Output]:
        """What has left since the last call, in order. When a client reads of it is for its connection to say."""
        taken, self._outputs = self._outputs, []
        return taken

    @property
    def has_outputs(self) -> bool:
        """Whether `take` would give anything."""
        return bool(self._outputs)

    def fire(
        self, name: str, fields: Mapping[str, HeaderValue], subclass: str | None = None, body: str | None = None
    ) -> None:
        """An event that is no channel's; ``fields`` come after the common headers."""
        out: dict[str, HeaderValue] = {"Event-Subclass": subclass} if subclass else {}
        out.update(self._common(name, subclass))
        out.update(fields)
        self._deliver(SimEvent(name, subclass, out, body))

    def emit(
        self,
        channel: Channel,
        name: str,
        after: Mapping[str, HeaderValue] = NO_EXTRA,
        before: Mapping[str, HeaderValue] = NO_EXTRA,
        drop: tuple[str, ...] = (),
    ) -> None:
        """An event of a channel: common headers, ``before``, the channel, its variables, ``after``; ``drop``: prefixes left out."""
        self.listing.hear(channel, name)
        out = self._common(name, None)
        out.update(before)
        out.update(headers.channel_headers(channel))
        if name not in headers.WITHOUT_VARIABLES:
            out.update(channel.variables.headers)
        out.update(after)
        if drop:
            out = {header: value for header, value in out.items() if not header.startswith(drop)}
        self._deliver(SimEvent(name, None, out))

    def describe(self, channel: Channel) -> dict[str, HeaderValue]:
        """The CHANNEL_DATA of a channel: what uuid_dump and a socket's ``connect`` show. Costs a sequence number."""
        out = self._common("CHANNEL_DATA", None)
        out.update(headers.channel_headers(channel))
        out.update(channel.variables.headers)
        return out

    def _common(self, name: str, subclass: str | None) -> dict[str, HeaderValue]:
        self._sequence += 1
        file, function, line = headers.CALLING.get(subclass or name, ("switch_core.c", "switch_core", 1))
        stamp = self.stamp_us
        if stamp != self._dated:
            self._dated, self._date_headers = stamp, headers.date_headers(stamp)
        out: dict[str, HeaderValue] = {
            "Event-Name": name,
            "Core-UUID": self.core_uuid,
            "FreeSWITCH-Hostname": self.settings.hostname,
            "FreeSWITCH-Switchname": self.settings.hostname,
            "FreeSWITCH-IPv4": self.settings.address,
            "FreeSWITCH-IPv6": "::1",
        }
        out.update(self._date_headers)
        out["Event-Calling-File"] = file
        out["Event-Calling-Function"] = function
        out["Event-Calling-Line-Number"] = str(line)
        out["Event-Sequence"] = str(self._sequence)
        return out

    def _deliver(self, event: SimEvent) -> None:
        self._outputs.append(event)

    # --- channels ------------------------------------------------------------------------------------------------

    def find(self, uuid: str) -> Channel | None:
        """The channel of that uuid that can still be spoken to, as the switch locates sessions: not once it hangs up."""
        channel = self.channels.get(uuid)
        return channel if channel and not channel.is_down else None

    def add(self, channel: Channel) -> None:
        """Take the channel in and count it."""
        self.channels[channel.uuid] = channel
        channel.list_parties()
        channel.list_place()
        counters = self.counters
        counters.sessions += 1
        channel.session_id = counters.sessions
        second = int(self.now)
        counters.in_second = counters.in_second + 1 if second == counters.second else 1
        counters.second = second
        counters.in_second_max = max(counters.in_second_max, counters.in_second)
        counters.peak = max(counters.peak, len(self.channels))

    def remove(self, channel: Channel) -> None:
        if self.channels.get(channel.uuid) is channel:
            del self.channels[channel.uuid]

    def set_callstate(self, channel: Channel, callstate: CallState) -> None:
        """Change the call state and say so; a state already reached says nothing."""
        before = channel.callstate
        if before == callstate:
            return
        channel.callstate = callstate
        self.emit(
            channel,
            "CHANNEL_CALLSTATE",
            before={"Original-Channel-Call-State": before.name, "Channel-Call-State-Number": str(int(callstate))},
        )

    def set_running(self, channel: Channel, state: State) -> None:
        channel.running = state
        # the first one is told before the channel has a caller profile (01j)
        self.emit(channel, "CHANNEL_STATE", drop=("Caller-",) if state is State.NEW else ())
