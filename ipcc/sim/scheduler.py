"""Things the switch is to do later, by number and by group: sched_api, sched_transfer, sched_hangup and what takes them back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ipcc.sim.timeline import Timeline, Timer

# 1 and 2 are the switch's own: heartbeat and check_ip, begun before there is a list
_FIRST = 3
_NO_GROUP = "none"
# the scheduler looks when something was told to it or by it, and otherwise so often (switch_scheduler.c; 17k, 18l)
_LOOKS_EVERY_S = 0.5
_SLACK = 1e-6


@dataclass
class Task:
    """One thing to do; a channel's tasks are in the group of its uuid. ``due`` is a whole second of the clock."""

    id: int
    group: str
    due: float
    do: Callable[[], None]
    description: str = ""
    every_s: float = 0.0


@dataclass
class Scheduler:
    """The tasks that wait; ``changed`` is called when ``show tasks`` would have something else to show."""

    timeline: Timeline
    changed: Callable[[], None] = lambda: None
    tasks: dict[int, Task] = field(default_factory=dict)
    _taken_back: dict[int, Task] = field(default_factory=dict)
    _next: int = _FIRST
    _looked_at: float = 0.0
    _timer: Timer | None = None

    @property
    def listed(self) -> Mapping[int, Task]:
        """What waits, and what was taken back a moment ago; in the order of their numbers."""
        return dict(sorted({**self.tasks, **self._taken_back}.items()))

    def schedule(self, when: float, group: str, do: Callable[[], None], description: str = "") -> int:
        """Do it at ``when`` unless taken back; the task's number. ``description`` is the switch's function that asks for it."""
        number = self._next
        self._next += 1
        self.tasks[number] = Task(number, group or _NO_GROUP, when, do, description)
        self.told()
        return number

    def repeat(self, every_s: float, group: str, description: str, do: Callable[[int], None]) -> None:
        """A task of the switch's own, done again and again until it is taken back; ``do`` is told its number."""
        number = self.schedule(self.timeline.now + every_s, group, lambda: do(number), description)
        self.tasks[number].every_s = every_s

    def unschedule(self, wanted: str) -> int:
        """Take back the task of that number, or all of that group; how many there were. Listed are they until the next look."""
        found = [task for task in self.tasks.values() if wanted in (str(task.id), task.group)]
        for task in found:
            self._taken_back[task.id] = self.tasks.pop(task.id)
        self._wait()
        return len(found)

    def told(self) -> None:
        """Something was told of a task, of one of the switch's own too: it looks, and again after each half second from now."""
        self.changed()
        self._looked_at = self.timeline.now
        self._wait()

    def _wait(self) -> None:
        """Come back at the first look that has something to do."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        wanted = [self.timeline.now] * bool(self._taken_back) + [task.due for task in self.tasks.values()]
        if wanted:
            looks = math.ceil((min(wanted) - self._looked_at) / _LOOKS_EVERY_S - _SLACK)
            self._timer = self.timeline.at(self._looked_at + max(looks, 1) * _LOOKS_EVERY_S, self._look)

    def _look(self) -> None:
        self._timer = None
        self._looked_at = now = self.timeline.now
        due = [task for task in self.tasks.values() if task.due <= now]
        for task in due:
            if task.every_s:
                task.due = now + task.every_s
            else:
                self.tasks.pop(task.id, None)
        if due or self._taken_back:
            self._taken_back.clear()
            self.changed()
        self._wait()
        for task in due:
            task.do()
