"""The variables a finished channel reports: stamps, epochs and durations (switch_channel_set_timestamps), media counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import causes
from ipcc.sim.headers import stamp

if TYPE_CHECKING:
    from ipcc.sim.channel_variables import VariableValue
    from ipcc.sim.channels import Channel
    from ipcc.sim.profiles import Times

_STAMPS = (
    ("start", "created"),
    ("profile_start", "profile_created"),
    ("answer", "answered"),
    ("bridge", "bridged"),
    ("progress", "progress"),
    ("progress_media", "progress_media"),
    ("end", "hungup"),
)
_EPOCHS = (
    ("start", "created"),
    ("profile_start", "profile_created"),
    ("answer", "answered"),
    ("bridge", "bridged"),
    ("last_hold", "last_hold"),
    ("hold_accum", "hold_accum"),
    ("resurrect", "resurrected"),
    ("progress", "progress"),
    ("progress_media", "progress_media"),
    ("end", "hungup"),
)


def report(channel: Channel) -> dict[str, VariableValue]:
    """The variables that appear with CHANNEL_HANGUP_COMPLETE, in its order."""
    moments = channel.profile.times
    cause = channel.cause or causes.NORMAL_CLEARING
    out: dict[str, VariableValue] = {
        "hangup_cause": cause,
        "hangup_cause_q850": str(causes.q850(cause)),
        "digits_dialed": channel.digits_dialed or "none",
    }
    for name, field in _STAMPS:
        if value := getattr(moments, field):
            out[f"{name}_stamp"] = stamp(value)
    for name, field in _EPOCHS:
        value = getattr(moments, field)
        if name == "hold_accum":
            out["hold_accum_seconds"] = str(value // 1_000_000)
            out["hold_accum_usec"] = str(value)
            out["hold_accum_ms"] = str(value // 1000)
        else:
            out[f"{name}_epoch"] = str(value // 1_000_000)
            out[f"{name}_uepoch"] = str(value)
    app, argument = channel.last_app
    if app:
        out["last_app"] = app
    if argument:
        out["last_arg"] = argument
    out["caller_id"] = _caller_id(channel)
    out.update(_durations(moments))
    if channel.has_codec:
        out.update(_media(moments))
    return out


def _caller_id(channel: Channel) -> str:
    profile = channel.profile
    name = profile.orig_caller_name or (profile.caller_name if profile.index > 1 else "")
    return f'"{name}" <{profile.caller_number}>' if name else profile.caller_number


def _durations(moments: Times) -> dict[str, VariableValue]:
    end = moments.hungup
    spans = {
        "duration": end - moments.created,
        "bill": end - moments.answered if moments.answered else 0,
        "progress": moments.progress - moments.created if moments.progress else 0,
        "answer": moments.answered - moments.created if moments.answered else 0,
        "wait": max(moments.bridged - moments.created, 0) if moments.bridged else 0,
        "progress_media": moments.progress_media - moments.created if moments.progress_media else 0,
        "flow_bill": end - moments.created if moments.answered else 0,
    }
    whole = {
        "duration": end // 1_000_000 - moments.created // 1_000_000,
        "bill": _seconds(moments.answered, end),
        "progress": _seconds(moments.created, moments.progress),
        "answer": _seconds(moments.created, moments.answered),
        "wait": _seconds(moments.created, moments.bridged),
        "progress_media": _seconds(moments.created, moments.progress_media),
        "flow_bill": _seconds(moments.created, end) if moments.answered else 0,
    }
    out: dict[str, VariableValue] = {}
    for name in spans:
        out["duration" if name == "duration" else f"{name}sec"] = str(whole[name])
    for unit, divisor in (("msec", 1000), ("usec", 1)):
        for name, span in spans.items():
            key = f"{unit[0]}duration" if name == "duration" else f"{name}{unit}"
            out[key] = str(span // divisor)
    return out


def _seconds(start: int, end: int) -> int:
    """Whole seconds as the switch counts them: the difference of two rounded-down times."""
    return end // 1_000_000 - start // 1_000_000 if start and end else 0


def _media(moments: Times) -> dict[str, VariableValue]:
    begun = min(value for value in (moments.progress_media, moments.answered, moments.hungup) if value)
    packets = max(moments.hungup - begun, 0) // 20_000
    out: dict[str, VariableValue] = {}
    for way in ("in", "out"):
        prefix = f"rtp_audio_{way}_"
        out[prefix + "raw_bytes"] = str(packets * 172)
        out[prefix + "media_bytes"] = str(packets * 172)
        out[prefix + "packet_count"] = str(packets)
        out[prefix + "media_packet_count"] = str(packets)
        out[prefix + "skip_packet_count"] = "0"
    out["rtp_audio_in_mos"] = "4.50"
    out["rtp_audio_in_quality_percentage"] = "100.00"
    out["rtp_audio_rtcp_packet_count"] = "0"
    out["rtp_audio_rtcp_octet_count"] = "0"
    return out
