"""The port by which every service commands switches and hears them. Implemented by `nodes` (real) and `fake` (tests)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ipcc.errors import SwitchRefused
from ipcc.esl.commands import Command
from ipcc.esl.headers import EventName, Subclass
from ipcc.esl.meaning import ApplicationEnded, ChannelRow, Heartbeat
from ipcc.esl.wire import SwitchEvent
from ipcc.ids import LegId, NodeId


class LegGoneError(SwitchRefused):
    """The leg ended before or while the application ran on it."""

    def __init__(self, leg_id: LegId, cause: str | None = None) -> None:
        super().__init__(f"leg {leg_id} is gone", cause, leg_id=leg_id)
        self.leg_id = leg_id


@dataclass(frozen=True)
class LinkState:
    """How a node is reached, for health checks and people."""

    is_up: bool
    since: datetime
    """Since when it is up, or down."""
    last_heard_at: datetime | None = None
    """Any traffic at all."""
    heartbeat: Heartbeat | None = None
    """The last one: sessions, idle CPU, version."""
    last_error: str = ""
    """Why it is or was down, for people: names the address, never a password."""


@dataclass(frozen=True)
class SubscriptionPlan:
    """What a service's event link asks the switch for. BACKGROUND_JOB and HEARTBEAT are always heard.

    With ``only_watched_legs`` the switch sends channel events only of legs given to `SwitchNode.watch`; ctiserver alone
    hears all legs.
    """

    events: tuple[str, ...] = ()
    subclasses: tuple[str, ...] = ()
    only_watched_legs: bool = True


ONE_EAR = SubscriptionPlan(
    events=(
        EventName.CHANNEL_CREATE,
        EventName.CHANNEL_PROGRESS,
        EventName.CHANNEL_PROGRESS_MEDIA,
        EventName.CHANNEL_ANSWER,
        EventName.CHANNEL_BRIDGE,
        EventName.CHANNEL_UNBRIDGE,
        EventName.CHANNEL_PARK,
        EventName.CHANNEL_HOLD,
        EventName.CHANNEL_UNHOLD,
        EventName.CHANNEL_HANGUP,
        EventName.CHANNEL_HANGUP_COMPLETE,
        EventName.CHANNEL_DESTROY,
    ),
    subclasses=(Subclass.REGISTER, Subclass.UNREGISTER, Subclass.EXPIRE),
    only_watched_legs=False,
)
"""What ctiserver hears: the life of every leg and every phone."""

OWN_LEGS = SubscriptionPlan(
    events=(
        EventName.CHANNEL_EXECUTE_COMPLETE,
        EventName.CHANNEL_ANSWER,
        EventName.CHANNEL_BRIDGE,
        EventName.CHANNEL_UNBRIDGE,
        EventName.CHANNEL_HANGUP,
        EventName.CHANNEL_HANGUP_COMPLETE,
        EventName.DTMF,
    ),
)
"""What a service hears of the legs it works on: results, digits, bridges and ends."""


class SwitchNode(Protocol):
    """One FreeSWITCH."""

    node_id: NodeId

    @property
    def is_up(self) -> bool:
        """Whether commands are taken; while False they fail at once with SwitchDown."""

    @property
    def state(self) -> LinkState:
        """For health checks and ``doctor``."""

    async def api(self, command: Command, timeout: float = 5.0) -> str:
        """Run ``command`` now; its answer without ``+OK`` and the last line break.

        Raises SwitchRefused (``-ERR``), SwitchDown (no link, or no answer in ``timeout`` seconds: the outcome is unknown)
        and Unrenderable. Commands of one node are answered in order: what may take long belongs into `job`.
        """

    async def job(self, command: Command, timeout: float, job_id: str | None = None) -> str:
        """Run ``command`` in the background and wait for its outcome: the text after ``+OK``.

        ``job_id``: at most 36 characters; chosen by the caller when he wants to know it again. Raises SwitchRefused with
        ``cause`` (of an originate the name of the hangup cause), SwitchDown (outcome unknown) and Unrenderable.
        """

    async def execute(
        self, leg: LegId, application: str, argument: str = "", *, timeout: float, event_id: str | None = None
    ) -> ApplicationEnded:
        """Run an application on a leg, behind those already sent to it, and wait until it ended.

        ``argument`` is taken literally (``${…}`` is not resolved). The leg must be watched (`watch`), or nothing of it is
        heard. Raises LegGoneError (it ended before or meanwhile), SwitchRefused, SwitchDown (outcome unknown, also when not
        done in ``timeout`` seconds) and Unrenderable.
        """

    async def start(self, leg: LegId, application: str, argument: str = "") -> str:
        """Like `execute` but does not wait: the event id by which its end will be heard."""

    async def watch(self, leg: LegId) -> None:
        """Hear the events of ``leg`` from now on, also after a reconnect; twice is as good as once. Raises SwitchDown: it is
        remembered all the same and asked for when the link is back."""

    def begin_watch(self, leg: LegId) -> None:
        """Order what `watch` orders without waiting for it: what is sent after this goes behind it. Never raises: on a link that
        is down it is remembered and asked for when the link is back."""

    async def unwatch(self, leg: LegId) -> None:
        """Hear them no more. Never raises for a link that is down."""

    def listen(self, handler: Callable[[SwitchEvent], None]) -> Callable[[], None]:
        """Call ``handler`` with every event heard, in order, in the asyncio thread; it must not block. Returns how to stop."""

    async def exists(self, leg: LegId) -> bool:
        """Whether the switch has this leg now. Raises SwitchDown."""

    async def channels(self, leg: LegId | None = None) -> list[ChannelRow]:
        """Every leg of the node; or that one alone, at the price of one, if the node has it. Raises SwitchDown and WireError."""


class Switches(Protocol):
    """All nodes of this service."""

    def node(self, node_id: NodeId) -> SwitchNode:
        """Raises NotFound."""

    def nodes(self) -> list[SwitchNode]:
        """All of them, up or down."""

    def on_up(self, callback: Callable[[SwitchNode], None]) -> None:
        """Call back when a node is reached, the first time too: subscriptions and watches are in place, now resync."""

    def on_down(self, callback: Callable[[SwitchNode], None]) -> None:
        """Call back when a node is lost."""


@dataclass
class LinkCounters:
    """What one link did, for metrics; only ever counts up."""

    events: int = 0
    commands: int = 0
    refused: int = 0
    unknown_outcomes: int = 0
    reconnects: int = 0
    overflows: int = 0
    """Links closed because their events were not taken away fast enough."""
    malformed: int = 0
    handler_failures: int = 0
    bytes_in: int = 0


@dataclass(frozen=True)
class NodeAddress:
    """Where a node's event socket is."""

    node_id: NodeId
    host: str
    port: int = 8021
    password: str = field(default="", repr=False)


def always_heard(plan: SubscriptionPlan) -> Iterable[str]:
    """The events of ``plan`` with those no link can do without."""
    return dict.fromkeys((*plan.events, EventName.BACKGROUND_JOB, EventName.HEARTBEAT))
