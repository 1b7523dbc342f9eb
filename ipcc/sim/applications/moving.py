"""transfer, sched_transfer, sched_hangup, execute_extension and other applications that send the call elsewhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ipcc.sim import causes, digits, execute
from ipcc.sim.hangup import hang_up
from ipcc.sim.transfer import session_transfer, transfer_legs

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.kernel import Kernel
    from ipcc.sim.timeline import Steps


def transfer(channel: Channel, argument: str) -> None:
    """``[-bleg|-both] destination [dialplan [context]]``."""
    words = argument.split()
    which = words.pop(0) if words and words[0] in ("-bleg", "-both") else ""
    if words:
        transfer_legs(channel, which, words[:3])


def sched_transfer(channel: Channel, argument: str) -> None:
    """``+seconds destination [dialplan [context]]``: later, wherever the call is then. Group of the task: the uuid."""
    words = argument.split()
    if len(words) < 2:
        return
    destination = words[1:4]
    kernel, uuid = channel.kernel, channel.uuid

    def run() -> None:
        found = kernel.find(uuid)
        if found:
            session_transfer(found, *destination)

    kernel.scheduler.schedule(due(kernel, words[0]), uuid, run, "switch_ivr_schedule_transfer")


def sched_hangup(channel: Channel, argument: str) -> None:
    """``+seconds [cause]``."""
    words = argument.split()
    if not words:
        return
    schedule_hangup(channel.kernel, channel.uuid, words[0], words[1] if len(words) > 1 else "ALLOTTED_TIMEOUT")


def schedule_hangup(kernel: Kernel, uuid: str, when: str, cause: str) -> int:
    """Hang up later; the task's number."""

    def run() -> None:
        found = kernel.find(uuid)
        if found:
            hang_up(found, causes.name_of(cause))

    return kernel.scheduler.schedule(due(kernel, when), uuid, run, "switch_ivr_schedule_hangup")


def due(kernel: Kernel, when: str) -> float:
    """``+5`` is in five seconds, ``5`` the fifth second of 1970; whole seconds, at which the scheduler looks."""
    seconds = int(when.lstrip("+")) if when.lstrip("+").isdigit() else 0
    return math.floor(kernel.now) + seconds if when.startswith("+") else float(seconds)


def execute_extension(channel: Channel, argument: str) -> Steps:
    """Run another extension's applications inside this one."""
    words = argument.split()
    if not words:
        return
    kernel = channel.kernel
    profile = channel.profile
    context = words[2] if len(words) > 2 else profile.context

    def resolve(field: str) -> str:
        if field == "destination_number":
            return words[0]
        return execute.expanded(channel, field) if "${" in field else execute.look_up(channel, field) or ""

    for app, data in kernel.settings.dialplan.hunt(context, resolve, channel.set_var):
        if not channel.is_ready:
            break
        yield from execute.execute(channel, app, data)


def sched_cancel(channel: Channel, argument: str) -> None:
    """Take back the tasks of that group, normally this channel's own."""
    channel.kernel.scheduler.unschedule(argument.strip() or channel.uuid)


def send_dtmf(channel: Channel, argument: str) -> None:
    """Send keys to this leg's own phone."""
    digits.send(channel, argument.partition("@")[0])
