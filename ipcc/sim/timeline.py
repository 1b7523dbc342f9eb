"""The switch's time: a heap of things to do, the 20 ms frame grid, and session threads that wait on both.

Pure: ``now`` is only ever what ``advance`` was told. Events of a real switch are stamped on a 20 ms grid (fact 26 of
the recordings; when they are delivered is up to the event socket, `esl_session`), and a session notices a command at its
next media frame; both follow from ``next_frame`` here.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Generator

FRAME_S = 0.02
# float seconds since 1970 are exact to about a quarter of a microsecond
_SLACK = 1e-4

Steps = Generator[float | None, None, None]
"""A session's program: yields the time it wants to run again at, or None to wait until it is woken."""


class Timer:
    """A thing to do at a time; ``cancel`` takes it back."""

    __slots__ = ("cancelled", "do", "when")

    def __init__(self, when: float, do: Callable[[], None]) -> None:
        self.when = when
        self.do = do
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Timeline:
    """The order in which everything happens; equal times keep the order in which they were asked for."""

    def __init__(self, start: float) -> None:
        self.start = start
        self.now = start
        self.current: Thread | None = None
        self.lag: Callable[[], int] = _no_lag
        """How many frames more a session takes to notice a thing; none unless the switch jitters."""
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0

    def at(self, when: float, do: Callable[[], None]) -> Timer:
        """Call ``do`` at ``when``, or at once on the next ``advance`` if that has passed."""
        timer = Timer(max(when, self.now), do)
        self._count += 1
        heapq.heappush(self._heap, (timer.when, self._count, timer))
        return timer

    def after(self, seconds: float, do: Callable[[], None]) -> Timer:
        return self.at(self.now + seconds, do)

    def frame(self) -> float:
        """The latest frame that has begun."""
        return self.start + math.floor((self.now - self.start) / FRAME_S + _SLACK) * FRAME_S

    def next_frame(self, frames: int = 1) -> float:
        """The ``frames``-th frame after now, never now itself."""
        return self.frame() + frames * FRAME_S

    def stamp_us(self) -> int:
        """Event time in microseconds: the clock the switch stamps with stands still inside a frame."""
        return round(self.frame() * 1_000_000)

    def wake_current(self) -> Callable[[], None]:
        """What another session may call to let the running program look around at the next frame."""
        thread = self.current
        return thread.wake if thread else _nothing

    def next_due(self) -> float | None:
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def advance(self, now: float) -> None:
        """Do everything due up to ``now``, each at its own time."""
        while (due := self.next_due()) is not None and due <= now:
            _, _, timer = heapq.heappop(self._heap)
            self.now = max(self.now, due)
            timer.do()
        self.now = max(self.now, now)


def _nothing() -> None:
    return None


def _no_lag() -> int:
    return 0


class Thread:
    """One program of steps: runs until it waits, runs on when its time has come or when it is woken, at a frame."""

    def __init__(self, timeline: Timeline, steps: Steps) -> None:
        self._timeline = timeline
        self._steps = steps
        self._timer: Timer | None = None
        self._running = False
        self._woken = False
        self.ended = False

    def start(self) -> None:
        self._run()

    def wake(self, *, at_once: bool = False) -> None:
        """Let the program look around: at the next frame, or as soon as whoever runs now has finished."""
        if self.ended:
            return
        if self._running:
            self._woken = True
            return
        line = self._timeline
        self._wait_until(line.now if at_once else line.next_frame(1 + line.lag()))

    def _wait_until(self, when: float) -> None:
        if self._timer and not self._timer.cancelled and self._timer.when <= when:
            return
        if self._timer:
            self._timer.cancel()
        self._timer = self._timeline.at(when, self._run)

    def _run(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._running = True
        self._woken = False
        outer, self._timeline.current = self._timeline.current, self
        try:
            until = next(self._steps)
        except StopIteration:
            self.ended = True
            return
        finally:
            self._running = False
            self._timeline.current = outer
        if self._woken:
            self._wait_until(self._timeline.next_frame())
        elif until is not None:
            self._wait_until(until)


def finish(timeline: Timeline, steps: Steps | None) -> None:
    """Run ``steps`` now; what is left when they first wait goes on by itself."""
    if steps is not None:
        Thread(timeline, steps).start()
