"""Things the switch is to do later, by number and by group: sched_api, sched_transfer, sched_hangup and what takes them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ipcc.sim.timeline import Timeline, Timer

# 1 and 2 are the switch's own: heartbeat and check_ip
_FIRST = 3


@dataclass
class Task:
    """One thing to do; a channel's tasks are in the group of its uuid."""

    id: int
    group: str
    timer: Timer
    description: str = ""


@dataclass
class Scheduler:
    """The tasks that wait."""

    timeline: Timeline
    tasks: dict[int, Task] = field(default_factory=dict)
    _next: int = _FIRST

    def schedule(self, when: float, group: str, do: Callable[[], None]) -> int:
        """Do it at ``when`` unless taken back; the task's number."""
        number = self._next
        self._next += 1

        def run() -> None:
            self.tasks.pop(number, None)
            do()

        self.tasks[number] = Task(number, group, self.timeline.at(when, run))
        return number

    def unschedule(self, wanted: str) -> int:
        """Take back the task of that number, or all of that group; how many there were."""
        found = [task for task in self.tasks.values() if str(task.id) == wanted or task.group == wanted]
        for task in found:
            task.timer.cancel()
            del self.tasks[task.id]
        return len(found)
