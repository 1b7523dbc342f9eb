"""Dialling out: the originate of the api and of the bridge application (switch_ivr_originate)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipcc.sim import dialstring, digits, endpoints, signalling
from ipcc.sim.endpoints import Failure, Request
from ipcc.sim.hangup import hang_up
from ipcc.sim.profiles import OtherLeg
from ipcc.sim.states import CallState, Flag
from ipcc.sim.timeline import Steps

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.kernel import Kernel

DEFAULT_TIMEOUT_S = 60
_RETRY_AFTER_S = 1.0


@dataclass
class Attempt:
    """A running originate and, when it has ended, what came of it."""

    kernel: Kernel
    dial: dialstring.DialString
    caller: Channel | None = None
    timeout_s: int = 0
    defaults: tuple[tuple[str, str], ...] = ()
    on_end: Callable[[], None] | None = None
    """Called in the moment the outcome is known, before the legs that lost have unwound."""
    winner: Channel | None = None
    cause: str = "NONE"
    legs: list[Channel] = field(default_factory=list)

    def option(self, name: str) -> str:
        """A variable for all legs: from ``{}``, else from the calling channel."""
        value = dict(self.dial.variables).get(name, "")
        if not value and self.caller:
            value = self.caller.var(name) or ""
        return value

    @property
    def limit_s(self) -> int:
        for text in (self.option("originate_timeout"), self.option("call_timeout") if self.caller else ""):
            if text.isdigit() and int(text) > 0:
                return int(text)
        return self.timeout_s or DEFAULT_TIMEOUT_S


def run(attempt: Attempt) -> Steps:
    """Try the groups in turn, each as often as ``originate_retries`` says, until a leg is there."""
    yield from _run(attempt)
    caller = attempt.caller
    if caller:
        caller.set_var("originate_signal_bond", None)
    if caller and caller.callstate is CallState.RING_WAIT:
        if winner := attempt.winner:
            caller.other = OtherLeg("originatee", winner.uuid, winner.name, winner.profile.copied())
        attempt.kernel.set_callstate(caller, CallState.ACTIVE)
    if attempt.on_end:
        attempt.on_end()
    _let_go(attempt)


def _run(attempt: Attempt) -> Steps:
    retries = attempt.option("originate_retries")
    rounds = max(int(retries), 1) if retries.isdigit() else 1
    if not attempt.dial.groups:
        attempt.cause = "DESTINATION_OUT_OF_ORDER"
    for number in range(rounds):
        if number:
            _let_go(attempt)
            yield attempt.kernel.now + _RETRY_AFTER_S
        for group in attempt.dial.groups:
            yield from _try_group(attempt, group)
            if attempt.winner or _is_abandoned(attempt):
                return


def _let_go(attempt: Attempt) -> None:
    """The legs of a group that has been decided may now be destroyed."""
    for leg in attempt.legs:
        leg.unlock()
    attempt.legs = []


def _is_abandoned(attempt: Attempt) -> bool:
    return attempt.caller is not None and not attempt.caller.is_ready


def _try_group(attempt: Attempt, group: tuple[dialstring.Leg, ...]) -> Steps:
    kernel = attempt.kernel
    _let_go(attempt)
    for leg in group:
        request = Request((*attempt.defaults, *attempt.dial.variables, *leg.variables), attempt.caller)
        made = endpoints.dial(kernel, leg.endpoint, request)
        if isinstance(made, Failure):
            attempt.cause = made.cause
            continue
        made.lock()
        attempt.legs.append(made)
    if not attempt.legs:
        return
    yield from _Group(attempt, math.floor(kernel.now)).wait()


def _is_confirmed(leg: Channel) -> bool:
    """Whether an answered leg counts: with ``group_confirm_key`` once that key was pressed, whatever came before it.

    Measured on a real switch: CHANNEL_ANSWER comes at the answer and bears the variable, the originate ends when the key is
    there and the variable is gone then; without it the leg ends with the time of the originate, NO_ANSWER. The sound it asks
    with is not simulated.
    """
    wanted = leg.var("group_confirm_key")
    while wanted and (digit := digits.take(leg)) is not None:
        if digit == wanted:
            wanted = ""
            leg.set_var("group_confirm_key", None)
            leg.set_var("group_confirm_file", None)
    return not wanted


@dataclass
class _Group:
    """The legs that ring together; looked at again whenever one of them changes, at the next frame."""

    attempt: Attempt
    started: int

    def wait(self) -> Steps:
        attempt = self.attempt
        look = attempt.kernel.timeline.wake_current()
        watched = [*attempt.legs, *([attempt.caller] if attempt.caller else [])]
        for channel in watched:
            channel.watch(look)
        while not self._is_decided():
            yield self._deadline()
        for channel in watched:
            channel.unwatch(look)

    def _is_decided(self) -> bool:
        attempt = self.attempt
        self._pass_ringing()
        for leg in attempt.legs:
            if not leg.is_down and self._is_up(leg):
                self._win(leg)
                return True
        if _is_abandoned(attempt):
            self._end_all("ORIGINATOR_CANCEL")
            return True
        self._expire_legs()
        alive = [leg for leg in attempt.legs if not leg.is_down]
        if not alive:
            attempt.cause = attempt.legs[-1].cause or "NORMAL_CLEARING"
            return True
        if math.floor(attempt.kernel.now) - self.started >= attempt.limit_s:
            self._end_all("NO_ANSWER")
            return True
        return False

    def _is_up(self, leg: Channel) -> bool:
        if leg.has(Flag.ANSWERED):
            return _is_confirmed(leg)
        return leg.has(Flag.EARLY_MEDIA) and leg.var("originate_early_media") != "false"

    def _win(self, leg: Channel) -> None:
        self.attempt.winner = leg
        for other in self.attempt.legs:
            if other is not leg:
                hang_up(other, "LOSE_RACE")

    def _end_all(self, cause: str) -> None:
        self.attempt.cause = cause
        for leg in self.attempt.legs:
            hang_up(leg, cause)

    def _expire_legs(self) -> None:
        elapsed = math.floor(self.attempt.kernel.now) - self.started
        for leg in self.attempt.legs:
            limit = leg.var("leg_timeout") or ""
            if limit.isdigit() and elapsed > int(limit):
                hang_up(leg, "NO_ANSWER" if self.attempt.caller else "ALLOTTED_TIMEOUT")

    def _deadline(self) -> float:
        limits = [float(self.attempt.limit_s)]
        for leg in self.attempt.legs:
            limit = leg.var("leg_timeout") or ""
            if limit.isdigit():
                limits.append(int(limit) + 1.0)
        return self.started + min(limits)

    def _pass_ringing(self) -> None:
        """A caller who has no answer yet hears what the phone he is connected to does."""
        caller = self.attempt.caller
        if caller is None or not any(leg.has(Flag.RING_READY) for leg in self.attempt.legs if not leg.is_down):
            return
        if not caller.has_media:
            signalling.ring_ready(caller)
        elif caller.callstate is CallState.ACTIVE:
            self.attempt.kernel.set_callstate(caller, CallState.RING_WAIT)
