"""What a consumer does about a handler that failed, and when its failures are too many to be the messages' fault. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ipcc.errors import InvalidMessage, Refused, RetryLater, Unavailable


@dataclass(frozen=True)
class Patience:
    """How often a failing handler is tried again before its message is a dead letter, and how long between tries."""

    tries: int = 4
    first_delay_s: float = 0.2
    longest_delay_s: float = 10.0

    def delay_s(self, attempt: int) -> float:
        """The pause after the ``attempt``-th failure (1 is the first), doubling."""
        return float(min(self.longest_delay_s, self.first_delay_s * 2 ** min(attempt - 1, 30)))


@dataclass(frozen=True)
class Wait:
    """Try the same message again after ``delay_s``; the partition waits, so order holds."""

    delay_s: float
    reason: str


@dataclass(frozen=True)
class Bury:
    """Put the message among the dead letters and go on."""

    reason: str


def judge(error: Exception, attempt: int, patience: Patience) -> Wait | Bury:
    """What follows from ``error`` at the ``attempt``-th try.

    What is down comes back, so Unavailable waits for as long as it takes; a message that is invalid or refused will be so
    again; anything else may be chance, and is tried again a few times.
    """
    reason = str(error) or repr(error)
    if isinstance(error, RetryLater):
        return Wait(error.delay_s, reason)
    if isinstance(error, Unavailable):
        return Wait(min(patience.longest_delay_s, max(error.retry_after_s, patience.delay_s(attempt))), reason)
    if isinstance(error, InvalidMessage | Refused) or attempt >= patience.tries:
        return Bury(reason if isinstance(error, InvalidMessage | Refused) else f"{type(error).__name__}: {reason}")
    return Wait(patience.delay_s(attempt), reason)


@dataclass(frozen=True)
class BurialLimits:
    """Past these the fault is ours: ``run`` dead letters in a row, or more than ``ratio`` of the last ``window`` messages."""

    run: int = 20
    ratio: float = 0.2
    window: int = 100


@dataclass
class Burials:
    """Counts dead letters against the limits."""

    limits: BurialLimits = field(default_factory=BurialLimits)
    total: int = 0
    run: int = 0
    _recent: deque[bool] = field(default_factory=deque)

    def note(self, *, buried: bool) -> None:
        """One more message is done with."""
        self.total += buried
        self.run = self.run + 1 if buried else 0
        self._recent.append(buried)
        if len(self._recent) > self.limits.window:
            self._recent.popleft()

    @property
    def problem(self) -> str:
        """Why this consumer should not be trusted; "" while within the limits."""
        if self.run >= self.limits.run:
            return f"{self.run} dead letters in a row"
        buried = sum(self._recent)
        if len(self._recent) >= self.limits.window and buried > self.limits.ratio * self.limits.window:
            return f"{buried} dead letters in the last {self.limits.window} messages"
        return ""
