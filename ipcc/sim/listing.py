"""The tables behind ``show channels``, ``show calls`` and ``show tasks``: written a while after what they tell of.

The switch tells its core database of every step by events, and one thread writes what has come together after the first of
them (switch_core_sqldb.c, switch_user_sql_thread). So a new leg is not listed at once, and one that is gone still is (18i, 18l).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipcc.sim.headers import stamp

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.scheduler import Task
    from ipcc.sim.timeline import Timeline, Timer

Row = dict[str, str]

# 18i, 18l: 155 to 186 ms in quiet; 39 sleeps of 5 ms
_WRITTEN_AFTER_S = 0.17
_CODEC = ("PCMU", "8000", "64000")
_LINEAR = ("L16", "8000", "128000")
# the events that change a table (core_event_handler)
_TOLD_BY = frozenset(
    {
        "CHANNEL_CREATE",
        "CHANNEL_DESTROY",
        "CHANNEL_ANSWER",
        "CHANNEL_PROGRESS_MEDIA",
        "CODEC",
        "CHANNEL_HOLD",
        "CHANNEL_UNHOLD",
        "CHANNEL_EXECUTE",
        "CHANNEL_ORIGINATE",
        "CALL_UPDATE",
        "CHANNEL_CALLSTATE",
        "CHANNEL_STATE",
        "CHANNEL_BRIDGE",
        "CHANNEL_UNBRIDGE",
    }
)


@dataclass(frozen=True)
class Listed:
    """One leg as it was when it was written."""

    row: Row
    call_uuid: str
    partner: str
    """The leg it was bridged with, empty when with none."""
    bridged_s: str


@dataclass
class Listing:
    """What the lists show."""

    timeline: Timeline
    tasks_now: Callable[[], Mapping[int, Task]]
    legs: dict[str, Listed] = field(default_factory=dict)
    tasks: dict[int, Row] = field(default_factory=dict)
    _changed: dict[str, Channel | None] = field(default_factory=dict)
    _timer: Timer | None = None

    def hear(self, channel: Channel, event: str) -> None:
        """The leg told something; if it is for a table, it is written soon. Only its creation makes a row."""
        if event not in _TOLD_BY:
            return
        uuid = channel.uuid
        if event == "CHANNEL_DESTROY":
            self._changed[uuid] = None
        elif event == "CHANNEL_CREATE" or self._has(uuid):
            self._changed[uuid] = channel
        self.note()

    def _has(self, uuid: str) -> bool:
        return self._changed[uuid] is not None if uuid in self._changed else uuid in self.legs

    def note(self) -> None:
        """Something changed: what there is when the time has come is written."""
        if self._timer is None:
            self._timer = self.timeline.after(_WRITTEN_AFTER_S, self._write)

    def _write(self) -> None:
        self._timer = None
        for uuid, channel in self._changed.items():
            if channel is None:
                self.legs.pop(uuid, None)
            else:
                self.legs[uuid] = _listed(channel)
        self._changed.clear()
        self.tasks = {number: task_row(task) for number, task in self.tasks_now().items()}


def _listed(channel: Channel) -> Listed:
    return Listed(
        row=channel_row(channel),
        call_uuid=channel.call_uuid,
        partner=channel.bridged_to or "",
        bridged_s=str(channel.profile.times.bridged // 1_000_000),
    )


def task_row(task: Task) -> Row:
    """One line of ``show tasks``."""
    return {
        "task_id": str(task.id),
        "task_desc": task.description,
        "task_group": task.group,
        "task_runtime": str(int(task.due)),
        "task_sql_manager": "0",
    }


def channel_row(channel: Channel) -> Row:
    """One line of ``show channels``."""
    profile = channel.profile
    codec = _CODEC if channel.has_codec else ("", "", "")
    read = _LINEAR if channel.reads_linear else codec
    app, data = channel.application
    created = profile.times.created
    bridged = channel.var("last_bridge_to") is not None
    row = {
        "uuid": channel.uuid,
        "direction": channel.direction,
        "created": stamp(created),
        "created_epoch": str(created // 1_000_000),
        "name": channel.name,
        "state": "CS_" + channel.running.name,
        "cid_name": channel.listed[0],
        "cid_num": channel.listed[1],
        "ip_addr": channel.listed_place[0],
        "dest": channel.listed_place[1],
        "application": app,
        "application_data": data,
        "dialplan": profile.dialplan,
        "context": profile.context,
        "read_codec": read[0],
        "read_rate": read[1],
        "read_bit_rate": read[2],
        "write_codec": codec[0],
        "write_rate": codec[1],
        "write_bit_rate": codec[2],
        "secure": "",
        "hostname": channel.kernel.settings.hostname,
        "presence_id": channel.presence_id,
        "presence_data": "",
        "accountcode": channel.var("accountcode") or "",
        "callstate": channel.callstate.name,
        "callee_name": channel.listed[2],
        "callee_num": channel.listed[3],
        "callee_direction": channel.callee_direction,
        "call_uuid": channel.call_uuid if bridged or channel.direction == "outbound" else "",
        "sent_callee_name": channel.sent_callee[0],
        "sent_callee_num": channel.sent_callee[1],
    }
    names = ("cid_name", "cid_num", "ip_addr", "dest", "dialplan", "context")
    row.update({f"initial_{name}": value for name, value in zip(names, channel.initial, strict=True)})
    return row
