"""The headers of channel events, in the order and with the omissions of the recorded switch (an empty value is left out)."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from ipcc.sim.outputs import HeaderValue
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.profiles import OtherLeg, Profile

# where the real switch makes each event: a client may log it, none should use it
CALLING: dict[str, tuple[str, str, int]] = {
    "API": ("switch_loadable_module.c", "switch_api_execute", 2954),
    "BACKGROUND_JOB": ("mod_event_socket.c", "api_exec", 1572),
    "CHANNEL_ANSWER": ("switch_channel.c", "switch_channel_perform_mark_answered", 3846),
    "CHANNEL_BRIDGE": ("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", 1689),
    "CHANNEL_CALLSTATE": ("switch_channel.c", "switch_channel_perform_set_callstate", 301),
    "CHANNEL_CREATE": ("switch_core_state_machine.c", "switch_core_session_run", 626),
    "CHANNEL_DATA": ("mod_commands.c", "uuid_dump_function", 6547),
    "CHANNEL_DESTROY": ("switch_core_session.c", "switch_core_session_perform_destroy", 1584),
    "CHANNEL_EXECUTE": ("switch_core_session.c", "switch_core_session_exec", 2944),
    "CHANNEL_EXECUTE_COMPLETE": ("switch_core_session.c", "switch_core_session_exec", 2967),
    "CHANNEL_HANGUP": ("switch_channel.c", "switch_channel_perform_hangup", 3445),
    "CHANNEL_HANGUP_COMPLETE": ("switch_core_state_machine.c", "switch_core_session_reporting_state", 943),
    "CHANNEL_HOLD": ("switch_channel.c", "switch_channel_mark_hold", 875),
    "CHANNEL_ORIGINATE": ("switch_core_state_machine.c", "switch_core_session_run", 632),
    "CHANNEL_OUTGOING": ("switch_core_session.c", "switch_core_session_outgoing_channel", 768),
    "CHANNEL_PARK": ("switch_ivr.c", "switch_ivr_park", 1002),
    "CHANNEL_PROGRESS": ("switch_channel.c", "switch_channel_perform_mark_ring_ready_value", 3505),
    "CHANNEL_PROGRESS_MEDIA": ("switch_channel.c", "switch_channel_perform_mark_pre_answered", 3560),
    "CHANNEL_STATE": ("switch_channel.c", "switch_channel_perform_set_running_state", 2408),
    "CHANNEL_UNBRIDGE": ("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", 1879),
    "CHANNEL_UNHOLD": ("switch_channel.c", "switch_channel_mark_hold", 875),
    "CHANNEL_UNPARK": ("switch_ivr.c", "switch_ivr_park", 1213),
    "CODEC": ("switch_core_codec.c", "switch_core_session_set_write_codec", 450),
    "DTMF": ("switch_channel.c", "switch_channel_dequeue_dtmf", 677),
    "HEARTBEAT": ("switch_core.c", "send_heartbeat", 95),
    "PLAYBACK_START": ("switch_ivr_play_say.c", "switch_ivr_play_file", 1646),
    "PLAYBACK_STOP": ("switch_ivr_play_say.c", "switch_ivr_play_file", 2020),
    "RECORD_START": ("switch_ivr_async.c", "record_callback", 1481),
    "RECORD_STOP": ("switch_ivr_async.c", "send_record_stop_event", 1240),
    "RE_SCHEDULE": ("switch_scheduler.c", "switch_scheduler_execute", 73),
    **{
        f"spandsp::{way}fax{what}": ("mod_spandsp_fax.c", function, line)
        for way in ("tx", "rx")
        for what, function, line in (
            ("negociateresult", "phase_b_handler", 386),
            ("pageresult", "phase_d_handler", 521),
            ("result", "phase_e_handler", 676),
        )
    },
    "sofia::expire": ("sofia_reg.c", "sofia_reg_del_callback", 726),
    "sofia::pre_register": ("sofia_reg.c", "sofia_reg_handle_register_token", 1810),
    "sofia::register": ("sofia_reg.c", "sofia_reg_handle_register_token", 2059),
    "sofia::register_attempt": ("sofia_reg.c", "sofia_reg_handle_register_token", 1606),
    "sofia::unregister": ("sofia_reg.c", "sofia_reg_handle_register_token", 2213),
}

# events a client may send although this switch never makes them itself
OTHER_EVENTS = frozenset(
    {
        "MESSAGE",
        "MESSAGE_WAITING",
        "MESSAGE_QUERY",
        "NOTIFY",
        "NOTIFY_IN",
        "PRESENCE_IN",
        "PRESENCE_OUT",
        "PHONE_FEATURE",
        "SHUTDOWN",
    }
)

# these show the channel but none of its variables
WITHOUT_VARIABLES = frozenset({"CHANNEL_CALLSTATE", "CHANNEL_OUTGOING", "CHANNEL_STATE", "CODEC", "DTMF"})

_PROFILE_FIELDS = (
    ("Direction", "direction"),
    ("Logical-Direction", "logical_direction"),
    ("Username", "username"),
    ("Dialplan", "dialplan"),
    ("Caller-ID-Name", "caller_name"),
    ("Caller-ID-Number", "caller_number"),
    ("Orig-Caller-ID-Name", "orig_caller_name"),
    ("Orig-Caller-ID-Number", "orig_caller_number"),
    ("Callee-ID-Name", "callee_name"),
    ("Callee-ID-Number", "callee_number"),
    ("Network-Addr", "network_addr"),
    ("ANI", "ani"),
    ("Destination-Number", "destination"),
)

_TIME_FIELDS = (
    ("Profile-Created-Time", "profile_created"),
    ("Channel-Created-Time", "created"),
    ("Channel-Answered-Time", "answered"),
    ("Channel-Progress-Time", "progress"),
    ("Channel-Progress-Media-Time", "progress_media"),
    ("Channel-Hangup-Time", "hungup"),
    ("Channel-Transfer-Time", "transferred"),
    ("Channel-Resurrect-Time", "resurrected"),
    ("Channel-Bridged-Time", "bridged"),
    ("Channel-Last-Hold", "last_hold"),
    ("Channel-Hold-Accum", "hold_accum"),
)


_PREFIXES = ("Caller-", "Other-Leg-")
_PROFILE_HEADERS = {prefix: [prefix + header for header, _ in _PROFILE_FIELDS] for prefix in _PREFIXES}
_PROFILE_VALUES = attrgetter(*(attribute for _, attribute in _PROFILE_FIELDS))
_TIME_HEADERS = {prefix: [prefix + header for header, _ in _TIME_FIELDS] for prefix in _PREFIXES}
_TIME_VALUES = attrgetter(*(attribute for _, attribute in _TIME_FIELDS))
_CODEC_HEADERS: dict[str, HeaderValue] = {
    f"Channel-{way}-Codec-{what}": value
    for way in ("Read", "Write")
    for what, value in (("Name", "PCMU"), ("Rate", "8000"), ("Bit-Rate", "64000"))
}
_LINEAR_HEADERS: dict[str, HeaderValue] = {"Channel-Read-Codec-Name": "L16", "Channel-Read-Codec-Bit-Rate": "128000"}


def stamp(us: int) -> str:
    """A time as the switch prints it in stamps and lists."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def date_headers(us: int) -> dict[str, HeaderValue]:
    moment = datetime.fromtimestamp(us // 1_000_000, UTC)
    return {
        "Event-Date-Local": moment.strftime("%Y-%m-%d %H:%M:%S"),
        "Event-Date-GMT": moment.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "Event-Date-Timestamp": str(us),
    }


def channel_headers(channel: Channel) -> dict[str, HeaderValue]:
    """State, Caller-* and Other-Leg-* of a channel, without its variables (switch_channel_event_set_basic_data)."""
    out: dict[str, HeaderValue] = {
        "Channel-State": "CS_" + channel.running.name,
        "Channel-Call-State": channel.callstate.name,
        "Channel-State-Number": str(int(channel.state)),
        "Channel-Name": channel.name,
        "Unique-ID": channel.uuid,
        "Call-Direction": channel.direction,
        "Presence-Call-Direction": channel.direction,
        "Channel-HIT-Dialplan": "true" if channel.has(Flag.DIALPLAN) else "false",
    }
    if channel.presence_id:
        out["Channel-Presence-ID"] = channel.presence_id
    out["Channel-Call-UUID"] = channel.call_uuid or channel.uuid
    out["Answer-State"] = channel.answer_state
    if channel.cause is not None:
        out["Hangup-Cause"] = channel.cause
    if channel.has_codec:
        out.update(_CODEC_HEADERS)
        if channel.reads_linear:
            out.update(_LINEAR_HEADERS)
    _profile_headers(out, "Caller-", channel.profile, channel.uuid, channel.name)
    if channel.other:
        if channel.other.headers is None:
            channel.other.headers = other_leg_headers(channel.other)
        out.update(channel.other.headers)
    return out


def _profile_headers(out: dict[str, HeaderValue], prefix: str, profile: Profile, uuid: str, name: str) -> None:
    """Written straight into ``out``: this runs for every event of every channel."""
    values = zip(_PROFILE_HEADERS[prefix], _PROFILE_VALUES(profile), strict=True)
    out.update((header, value) for header, value in values if value)
    out[prefix + "Unique-ID"] = uuid
    for header, value in (
        ("Source", profile.source),
        ("Transfer-Source", profile.transfer_source),
        ("Context", profile.context),
        ("RDNIS", profile.rdnis),
    ):
        if value:
            out[prefix + header] = value
    out[prefix + "Channel-Name"] = name
    if prefix == "Caller-":
        out["Caller-Profile-Index"] = str(profile.index)
    out.update(zip(_TIME_HEADERS[prefix], map(str, _TIME_VALUES(profile.times)), strict=True))
    out[prefix + "Screen-Bit"] = "true"
    out[prefix + "Privacy-Hide-Name"] = "false"
    out[prefix + "Privacy-Hide-Number"] = "false"


def other_leg_headers(other: OtherLeg) -> dict[str, HeaderValue]:
    """The Other-Leg-* of a partner, made once: they never change again."""
    out: dict[str, HeaderValue] = {"Other-Type": other.type}
    _profile_headers(out, "Other-Leg-", other.profile, other.uuid, other.channel_name)
    out["Other-Leg-Logical-Direction"] = "inbound"
    return out
