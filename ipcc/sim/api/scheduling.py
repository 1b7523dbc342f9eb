"""sched_transfer, sched_hangup, sched_broadcast, sched_api, sched_del: api commands for later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim.api import media
from ipcc.sim.api.parts import NO_CHANNEL, usage, words_of
from ipcc.sim.applications.moving import due, schedule_hangup
from ipcc.sim.transfer import session_transfer

if TYPE_CHECKING:
    from ipcc.sim.kernel import Kernel


def sched_hangup(kernel: Kernel, argument: str) -> str:
    when, uuid, cause = words_of(argument, 3)
    if not uuid:
        return usage("[+]<time> <uuid> [<cause>]")
    if kernel.find(uuid) is None:
        return NO_CHANNEL
    schedule_hangup(kernel, uuid, when, cause or "ALLOTTED_TIMEOUT")
    return "+OK\n"


def sched_transfer(kernel: Kernel, argument: str) -> str:
    words = argument.split()
    if len(words) < 3:
        return usage("[+]<time> <uuid> <extension> [<dialplan>] [<context>]")
    uuid, where = words[1], words[2:5]
    if kernel.find(uuid) is None:
        return NO_CHANNEL

    def run() -> None:
        channel = kernel.find(uuid)
        if channel:
            session_transfer(channel, *where)

    kernel.scheduler.schedule(due(kernel, words[0]), uuid, run, "switch_ivr_schedule_transfer")
    return "+OK\n"


def sched_broadcast(kernel: Kernel, argument: str) -> str:
    when, uuid, what = words_of(argument, 3)
    if not what:
        return usage("[[+]<time>|@time] <uuid> <path> [aleg|bleg|both]")
    if kernel.find(uuid) is None:
        return NO_CHANNEL
    kernel.scheduler.schedule(
        due(kernel, when.lstrip("@")),
        uuid,
        lambda: _drop(media.broadcast(kernel, f"{uuid} {what}")),
        "switch_ivr_schedule_broadcast",
    )
    return "+OK Message scheduled\n"


def sched_api(kernel: Kernel, argument: str) -> str:
    when, group, command = words_of(argument, 3)
    if not command:
        return usage("[+@]<time> <group_name> <command_string>[&]")
    name, _, rest = command.removesuffix("&").partition(" ")
    number = kernel.scheduler.schedule(
        due(kernel, when.lstrip("@")), group, lambda: _drop(kernel.run_api(name, rest)), "sched_api_function"
    )
    return f"+OK Added: {number}\n"


def sched_del(kernel: Kernel, argument: str) -> str:
    """By task number or by group; a channel's tasks are in the group of its uuid."""
    if not argument.strip():
        return usage("<task_id>|<group_id>")
    return f"+OK Deleted: {kernel.scheduler.unschedule(argument.strip())}\n"


def _drop(text: str) -> None:
    """Nobody reads the answer of a command that ran later."""
    del text
