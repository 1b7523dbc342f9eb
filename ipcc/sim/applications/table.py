"""Every application the simulated switch has, by name; anything else is unknown to it (fact 14)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ipcc.sim.applications import (
    answering,
    attended,
    bridging,
    collecting,
    conferencing,
    eavesdropping,
    faxing,
    moving,
    playback,
    record,
    recording,
    saying,
    setting,
    socket,
    waiting,
)
from ipcc.sim.applications.park import park
from ipcc.sim.kernel import Application

APPLICATIONS: Mapping[str, Application] = MappingProxyType(
    {
        "answer": answering.answer,
        "att_xfer": attended.att_xfer,
        # it listens beside what follows; no tone it was given made it tell anything (15c)
        "avmd_start": waiting.note,
        "bind_meta_app": attended.bind_meta_app,
        "break": waiting.stop,
        "bridge": bridging.bridge,
        "conference": conferencing.conference,
        "eavesdrop": eavesdropping.eavesdrop,
        "echo": waiting.echo,
        "endless_playback": playback.endless_playback,
        "execute_extension": moving.execute_extension,
        "export": setting.export,
        "flush_dtmf": waiting.flush_dtmf,
        "hangup": answering.hangup,
        "info": waiting.note,
        "intercept": bridging.intercept,
        "log": waiting.note,
        "multiset": setting.multiset,
        "multiunset": setting.multiunset,
        "park": park,
        "play_and_get_digits": collecting.play_and_get_digits,
        "playback": playback.playback,
        "pre_answer": answering.pre_answer,
        "push": setting.push,
        "read": collecting.read,
        "record": record.record,
        "record_session": recording.record_session,
        "record_session_mask": recording.record_session_mask,
        "record_session_unmask": recording.record_session_unmask,
        "respond": answering.respond,
        "ring_ready": answering.ring_ready,
        "rxfax": faxing.rxfax,
        "say": saying.say,
        "sched_cancel": moving.sched_cancel,
        "sched_hangup": moving.sched_hangup,
        "sched_transfer": moving.sched_transfer,
        "send_dtmf": moving.send_dtmf,
        "set": setting.assign,
        "sleep": waiting.sleep,
        "socket": socket.socket,
        "speak": saying.speak,
        "start_dtmf": waiting.note,
        "stop_dtmf": waiting.note,
        "stop_record_session": recording.stop_record_session,
        "three_way": eavesdropping.three_way,
        "transfer": moving.transfer,
        "txfax": faxing.txfax,
        "unset": setting.unset,
        "unshift": setting.unshift,
        "verbose_events": waiting.note,
    }
)
