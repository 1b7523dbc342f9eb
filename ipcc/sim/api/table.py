"""Every channel command by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ipcc.sim.api import calls, conferences, media, scheduling, variables
from ipcc.sim.api.parts import ApiCommand

COMMANDS: Mapping[str, ApiCommand] = MappingProxyType(
    {
        "break": media.break_,
        "conference": conferences.conference,
        "hupall": calls.hupall,
        "sched_api": scheduling.sched_api,
        "sched_broadcast": scheduling.sched_broadcast,
        "sched_del": scheduling.sched_del,
        "sched_hangup": scheduling.sched_hangup,
        "sched_transfer": scheduling.sched_transfer,
        "uuid_answer": calls.answer,
        "uuid_audio": media.audio,
        "uuid_break": media.break_,
        "uuid_bridge": calls.uuid_bridge,
        "uuid_broadcast": media.broadcast,
        "uuid_buglist": variables.buglist,
        "uuid_displace": media.displace,
        "uuid_display": variables.display,
        "uuid_dual_transfer": calls.dual_transfer,
        "uuid_dump": variables.dump,
        "uuid_exists": variables.exists,
        "uuid_flush_dtmf": media.flush_dtmf,
        "uuid_getvar": variables.getvar,
        "uuid_hold": media.uuid_hold,
        "uuid_kill": calls.kill,
        "uuid_park": calls.uuid_park,
        "uuid_pre_answer": calls.pre_answer,
        "uuid_record": media.record,
        "uuid_recv_dtmf": media.recv_dtmf,
        "uuid_ring_ready": calls.ring_ready,
        "uuid_send_dtmf": media.send_dtmf,
        "uuid_setvar": variables.setvar,
        "uuid_setvar_multi": variables.setvar_multi,
        "uuid_transfer": calls.uuid_transfer,
    }
)
