"""One channel (a leg of a call): its state, its caller profile, its variables and what waits to be done on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipcc.sim.channel_variables import ARRAY, Variables
from ipcc.sim.profiles import OtherLeg, Profile
from ipcc.sim.states import CallState, Control, Flag, State
from ipcc.sim.voice import Voice

if TYPE_CHECKING:
    from ipcc.sim.conference import Member
    from ipcc.sim.fax import FaxLeg
    from ipcc.sim.kernel import Kernel
    from ipcc.sim.meta import MetaKeys
    from ipcc.sim.recording import Recording
    from ipcc.sim.timeline import Thread


@dataclass
class Extension:
    """What the dialplan told the channel to do; ``at`` is the next application."""

    applications: list[tuple[str, str]]
    at: int = 0

    def take(self) -> tuple[str, str] | None:
        if self.at >= len(self.applications):
            return None
        self.at += 1
        return self.applications[self.at - 1]


@dataclass(frozen=True)
class Message:
    """A command queued on a channel by sendmsg or uuid_broadcast."""

    command: str
    app: str = ""
    argument: str = ""
    event_uuid: str = ""
    lock: bool = False
    priority: bool = False
    loops: int = 1
    holds_partner: bool = False
    """Whoever is bridged with the channel hears hold music meanwhile."""
    cause: str = ""
    done: Callable[[], None] | None = None
    """Called when it has been carried out (a synchronous outbound socket answers only then)."""


@dataclass(frozen=True)
class Digit:
    """One key: ``samples`` is its length at 8 kHz, ``source`` RTP or ENDPOINT (INFO)."""

    digit: str
    source: str = "RTP"
    samples: int = 800


@dataclass
class Eavesdrop:
    """Whom a supervisor listens to, and who of the two sides hears him."""

    target: str
    speaks_to_target: bool = False
    speaks_to_partner: bool = False


@dataclass
class Channel:
    """A leg and everything the switch knows about it."""

    kernel: Kernel
    uuid: str
    name: str
    direction: str
    profile: Profile
    sofia_profile: str = "internal"
    session_id: int = 0
    state: State = State.NEW
    running: State = State.NONE
    moves: int = 0
    """How often another state was asked for."""
    callstate: CallState = CallState.DOWN
    answer_state: str = "ringing"
    cause: str | None = None
    flags: set[Flag] = field(default_factory=set)
    variables: Variables = field(default_factory=Variables)
    other: OtherLeg | None = None
    extension: Extension | None = None
    presence_id: str = ""
    call_uuid: str = ""
    has_codec: bool = False
    reads_linear: bool = False
    """What the phone sends is decoded for an application that mixes it (eavesdrop)."""
    messages: deque[Message] = field(default_factory=deque)
    digits: deque[Digit] = field(default_factory=deque)
    digits_dialed: str = ""
    recordings: list[Recording] = field(default_factory=list)
    displaced: set[str] = field(default_factory=set)
    """Files that uuid_displace plays into it."""
    eavesdrop: Eavesdrop | None = None
    meta: MetaKeys | None = None
    soft_holding: str | None = None
    """Who waits while this leg consults: he is not ended with it."""
    member: Member | None = None
    """What it is in a conference."""
    voice: Voice = field(default_factory=Voice)
    """Of whoever is at its end."""
    partner: str | None = None
    thread: Thread | None = None
    is_idle: bool = False
    """The session has nothing to do in its state and waits for the next one."""
    locks: int = 0
    watchers: list[Callable[[], None]] = field(default_factory=list)
    hung_up_by: str = ""
    """How the other side of SIP learnt or told of the end: recv_bye, send_bye, recv_cancel, send_cancel, recv_refuse, send_refuse."""
    remote_gone: bool = False
    far_end: str = ""
    """The leg of this very switch at the other end of the SIP call, where it calls itself."""
    fax: FaxLeg | None = None
    is_fax_machine: bool = False
    """The phone at its end is a fax that has been started."""
    is_local: bool = False
    """No phone is at its end (loopback, null)."""
    application: tuple[str, str] = ("", "")
    """What ``show channels`` names: the last EXECUTE."""
    last_app: tuple[str, str] = ("", "")
    """The last application that began, for the variables last_app and last_arg of the end."""
    callee_direction: str = ""
    sent_callee: tuple[str, str] = ("", "")
    listed: tuple[str, str, str, str] = ("", "", "", "")
    """Caller and callee as ``show channels`` has them: noted at few moments only, so a ghost leg still shows the old ones (06v)."""
    listed_place: tuple[str, str] = ("", "")
    """Address and destination ``show channels`` has, from the moment the channel was made or last routed."""
    initial: tuple[str, str, str, str, str, str] = ("", "", "", "", "", "")
    bridged_to: str | None = None
    control: Control = Control.NONE
    gone: bool = False

    # --- flags and variables -------------------------------------------------------------------------------------

    def has(self, flag: Flag) -> bool:
        return flag in self.flags

    def var(self, name: str) -> str | None:
        """The variable as text; an array shows as the switch prints it."""
        value = self.variables.get(name)
        if isinstance(value, list):
            return ARRAY + "|:".join(value)
        return value

    def set_var(self, name: str, value: str | None) -> None:
        """Set, or with None or nothing remove; ``ARRAY::a|:b`` is an array."""
        if value:
            self.variables[name] = value[len(ARRAY) :].split("|:") if value.startswith(ARRAY) else value
        else:
            self.variables.pop(name, None)

    def list_parties(self) -> None:
        """Let ``show channels`` have the caller and callee of now."""
        profile = self.profile
        self.listed = (profile.caller_name, profile.caller_number, profile.callee_name, profile.callee_number)

    def list_place(self) -> None:
        """Let ``show channels`` have the address and the destination of now."""
        self.listed_place = (self.profile.network_addr, self.profile.destination)

    def is_true(self, name: str) -> bool:
        return (self.var(name) or "").lower() in ("true", "yes", "on", "enable", "enabled", "active", "allow", "t", "1")

    def push_var(self, name: str, value: str, *, in_front: bool = False) -> None:
        """Add to the end (or the front) of an array variable; the first value alone stays plain text."""
        old = self.variables.get(name)
        if old is None:
            self.variables[name] = value
            return
        known = old if isinstance(old, list) else [old]
        self.variables[name] = [value, *known] if in_front else [*known, value]

    # --- state ---------------------------------------------------------------------------------------------------

    @property
    def is_down(self) -> bool:
        return self.state >= State.HANGUP

    @property
    def is_ready(self) -> bool:
        """Whether an application may go on (switch_channel_ready): not hung up and not told to do something else."""
        return (
            self.cause is None
            and State.ROUTING < self.state < State.HANGUP
            and self.state is not State.RESET
            and Flag.TRANSFER not in self.flags
        )

    @property
    def has_media(self) -> bool:
        return Flag.ANSWERED in self.flags or Flag.EARLY_MEDIA in self.flags

    def wake(self) -> None:
        """Let the session notice: at its next media frame, or at once where it only waits for its state to change."""
        if self.thread:
            self.thread.wake(at_once=self.is_idle)
        for watch in list(self.watchers):
            watch()

    def set_state(self, state: State, noticed_after_s: float = 0.0) -> None:
        """Ask for ``state``; the session enters it when it looks. Nothing brings a hung-up channel back."""
        if self.state >= State.HANGUP and state < self.state:
            return
        if self.state is state:
            return
        self.state = state
        self.moves += 1
        if noticed_after_s:
            self.kernel.timeline.after(noticed_after_s, self._wake_now)
        else:
            self.wake()

    def _wake_now(self) -> None:
        if self.thread:
            self.thread.wake(at_once=True)

    def lock(self) -> None:
        """Keep the channel from being destroyed while another session uses it."""
        self.locks += 1

    def unlock(self) -> None:
        self.locks -= 1
        if self.locks == 0 and self.thread:
            self.thread.wake()

    def watch(self, look: Callable[[], None]) -> None:
        self.watchers.append(look)

    def unwatch(self, look: Callable[[], None]) -> None:
        if look in self.watchers:
            self.watchers.remove(look)
