"""The only place that knows which switch event and header means what. Pure: an event in, our own words out.

Proved on the recorded traffic of FreeSWITCH 1.10.12. Where the switch's own word lags or lies, the comment says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from ipcc.esl import meaning as m
from ipcc.esl.headers import AnswerState, CallState, ChannelState, EventName, Subclass, q850_of
from ipcc.esl.wire import SwitchEvent, WireError, moment
from ipcc.ids import LegId

_TAGS = "ipcc_"
_RECORD_VARIABLES = (
    "sip_term_status",
    "sip_term_cause",
    "sip_hangup_phrase",
    "sip_hangup_disposition",
    "sip_invite_failure_status",
    "sip_invite_failure_phrase",
    "proto_specific_hangup_cause",
    "bridge_hangup_cause",
    "last_bridge_hangup_cause",
    "last_bridge_to",
    "last_bridge_role",
    "originate_disposition",
    "endpoint_disposition",
    "transfer_history",
    "last_app",
    "sip_call_id",
    "sip_user_agent",
    "read_codec",
    "rtp_audio_in_mos",
    "rtp_audio_in_quality_percentage",
    "rtp_audio_in_packet_count",
    "rtp_audio_in_skip_packet_count",
    "rtp_audio_in_jitter_max_variance",
    "rtp_audio_out_packet_count",
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED_PAIR = re.compile(r"\\([\\\"])")


def normalise(event: SwitchEvent) -> tuple[m.Meaning, ...]:
    """What ``event`` tells us: usually one thing, nothing for events that only repeat others. Raises WireError (malformed)."""
    meant = _BY_NAME.get(event.name)
    if meant is None:
        return ()
    told = meant(event)
    return () if told is None else (told,)


def leg_facts(event: SwitchEvent) -> m.LegFacts:
    """Who the leg of this event is."""
    variables = tags(event)
    inbound = event.get("Call-Direction") != m.LegDirection.OUTBOUND
    return m.LegFacts(
        direction=m.LegDirection.INBOUND if inbound else m.LegDirection.OUTBOUND,
        caller_number=as_sent(event.get("Caller-Caller-ID-Number")),
        caller_name=name_as_sent(event.get("Caller-Caller-ID-Name")),
        dialled=as_sent(event.get("Caller-Destination-Number")),
        variables=variables,
        profile=event.variable("sofia_profile_name"),
        gateway=event.variable("sip_gateway_name") or event.variable("sip_gateway"),
        trunk=variables.get("ipcc_trunk", ""),
        user=event.variable("sip_auth_username") or event.variable("user_name")
        if inbound
        else event.variable("dialed_user"),
        address=event.get("Channel-Name"),
        peer_ip=event.get("Caller-Network-Addr"),
        dialled_by=LegId(event.variable("originator")) or None,
    )


def as_sent(text: str) -> str:
    """What the caller's telephone sent. A SIP header cannot hold a control character: one that is here was sent as ``%0A`` and
    decoded on the way (fact 27: FreeSWITCH 1.10.12 decodes display names), so it is shown as it was."""
    return _CONTROL.sub(lambda found: f"%{ord(found[0]):02X}", text)


def name_as_sent(text: str) -> str:
    """A display name as the caller wrote it: the switch keeps the backslashes before quotes and backslashes (RFC 3261, 25.1)."""
    return as_sent(_QUOTED_PAIR.sub(r"\1", text))


def tags(event: SwitchEvent) -> Mapping[str, str]:
    """The variables by which we know our legs again."""
    return event.variables(_TAGS)


def snapshot(event: SwitchEvent) -> m.LegSnapshot:
    """One leg as ``uuid_dump`` shows it. Raises WireError: the answer is not a dump of a channel.

    ``bridge_uuid`` stays set after a bridge: ``partner_id`` may be believed when that leg exists and names this one too.
    """
    if event.name != "CHANNEL_DATA":
        raise WireError(f"not a dump of a channel: {event.name}")
    state = event.get("Channel-State")
    is_parked = state == ChannelState.PARK or (
        state == ChannelState.EXECUTE and event.variable("current_application") == "park"
    )
    partner = event.variable("signal_bond") or event.variable("bridge_uuid")
    return m.LegSnapshot(
        leg_id=LegId(event.uuid),
        at=event.at,
        facts=leg_facts(event),
        state=state,
        # while a key is asked for before the call is his, nobody has answered; the switch unsets it at the key (measured)
        is_answered=event.get("Answer-State") == AnswerState.ANSWERED and not event.variable("group_confirm_key"),
        is_held=event.get("Channel-Call-State") == CallState.HELD,
        times=_times(event),
        partner_id=LegId(partner) if partner and not is_parked else None,
        is_parked=is_parked,
    )


def _created(event: SwitchEvent) -> m.Meaning:
    return m.LegCreated(_leg(event), event.at, leg_facts(event))


def _parked(event: SwitchEvent) -> m.Meaning:
    return m.LegParked(_leg(event), event.at, leg_facts(event))


def _answered(event: SwitchEvent) -> m.Meaning:
    return m.LegAnswered(_leg(event), event.at, tags(event))


def _bridged(event: SwitchEvent) -> m.Meaning:
    return m.LegsBridged(*_pair(event))


def _unbridged(event: SwitchEvent) -> m.Meaning:
    return m.LegsUnbridged(*_pair(event))


def _pair(event: SwitchEvent) -> tuple[LegId, datetime, LegId]:
    # Other-Leg-* headers stay after the other leg is gone, the Bridge-* ones name this very pair
    owner = event.get("Bridge-A-Unique-ID") or event.uuid
    other = event.get("Bridge-B-Unique-ID") or event.get("Other-Leg-Unique-ID")
    return LegId(owner), event.at, LegId(other)


def _hung_up(event: SwitchEvent) -> m.Meaning:
    cause = event.get("Hangup-Cause")
    return m.LegHungUp(_leg(event), event.at, cause, q850_of(cause), _hung_up_by(event))


def _ended(event: SwitchEvent) -> m.Meaning:
    cause = event.get("Hangup-Cause") or event.variable("hangup_cause")
    partner = event.variable("last_bridge_to")
    return m.LegEnded(
        _leg(event),
        event.at,
        cause=cause,
        q850=q850_of(cause),
        hung_up_by=_hung_up_by(event),
        times=_times(event),
        who=partial(leg_facts, event),
        last_partner_id=LegId(partner) if partner else None,
        record=event.chosen(_RECORD_VARIABLES),
    )


def _hung_up_by(event: SwitchEvent) -> m.HungUpBy:
    disposition = event.variable("sip_hangup_disposition")
    if disposition.startswith("recv_"):
        return m.HungUpBy.FAR_END
    return m.HungUpBy.SWITCH if disposition.startswith("send_") else m.HungUpBy.UNKNOWN


def _times(event: SwitchEvent) -> m.LegTimes:
    return m.LegTimes(
        created_at=_when(event, "Caller-Channel-Created-Time"),
        ringing_at=_when(event, "Caller-Channel-Progress-Time"),
        answered_at=_when(event, "Caller-Channel-Answered-Time"),
        bridged_at=_when(event, "Caller-Channel-Bridged-Time"),
        ended_at=_when(event, "Caller-Channel-Hangup-Time"),
        billed_ms=_number(event.variable("billmsec")),
        held_ms=_number(event.variable("hold_accum_ms")),
    )


def _when(event: SwitchEvent, header: str) -> datetime | None:
    text = event.get(header)
    return None if text in ("", "0") else moment(text)


def _gone(event: SwitchEvent) -> m.Meaning:
    return m.LegGone(_leg(event), event.at, event.get("Hangup-Cause"))


def _digit(event: SwitchEvent) -> m.Meaning:
    return m.DigitPressed(
        _leg(event),
        event.at,
        digit=event.get("DTMF-Digit"),
        by_rtp=event.get("DTMF-Source") == "RTP",
        duration_samples=_number(event.get("DTMF-Duration")),
    )


def _started(event: SwitchEvent) -> m.Meaning:
    return m.ApplicationStarted(
        _leg(event),
        event.at,
        application=event.get("Application"),
        event_id=event.get("Application-UUID"),
        argument=event.get("Application-Data"),
    )


def _completed(event: SwitchEvent) -> m.Meaning:
    return m.ApplicationEnded(
        _leg(event),
        event.at,
        application=event.get("Application"),
        response=event.get("Application-Response"),
        event_id=event.get("Application-UUID"),
        variables=event.chosen(),
        is_hung_up=event.get("Answer-State") == AnswerState.HANGUP,
    )


def _record_started(event: SwitchEvent) -> m.Meaning:
    return m.RecordingStarted(_leg(event), event.at, event.get("Record-File-Path"))


def _record_stopped(event: SwitchEvent) -> m.Meaning:
    return m.RecordingStopped(
        _leg(event),
        event.at,
        path=event.get("Record-File-Path"),
        reason=event.get("Record-Completion-Cause") or event.variable("record_completion_cause"),
        length_ms=_number(event.variable("record_ms")),
        file_bytes=_number(event.variable("record_file_size")),
    )


def _job_done(event: SwitchEvent) -> m.Meaning:
    is_ok, text = answer_of(event.body)
    return m.JobDone(
        event.at,
        job_id=event.get("Job-UUID"),
        command=event.get("Job-Command"),
        is_ok=is_ok,
        text=text if is_ok else "",
        cause="" if is_ok else text,
    )


def answer_of(text: str) -> tuple[bool, str]:
    """What the switch's answer says: (did it agree, its text without ``+OK``, ``-ERR`` and the last line break).

    Many commands answer without ``+OK``: any text but ``-ERR`` and ``-USAGE`` is agreement. An empty answer of the switch
    reads ``-ERR no reply``, which is a refusal only for those who expected a word.
    """
    text = text.rstrip("\r\n")
    for refusal in ("-ERR", "-USAGE:"):
        if text.startswith(refusal):
            return False, text.removeprefix(refusal).strip()
    if text == "+OK" or text.startswith("+OK "):
        return True, text[4:].strip()
    return True, text


def _heartbeat(event: SwitchEvent) -> m.Meaning:
    return m.Heartbeat(
        event.at,
        core_id=event.get("Core-UUID"),
        switch_name=event.get("FreeSWITCH-Switchname"),
        sessions=_number(event.get("Session-Count")),
        max_sessions=_number(event.get("Max-Sessions")),
        idle_cpu_percent=_decimal(event.get("Idle-CPU")),
        uptime_ms=_number(event.get("Uptime-msec")),
        sessions_per_second=_number(event.get("Session-Per-Sec-Last")),
        max_sessions_per_second=_number(event.get("Session-Per-Sec")),
        version=event.get("FreeSWITCH-Version"),
    )


def _custom(event: SwitchEvent) -> m.Meaning | None:
    meant = _BY_SUBCLASS.get(event.subclass)
    return None if meant is None else meant(event)


def _registered(event: SwitchEvent) -> m.Meaning:
    return m.PhoneRegistered(
        event.at,
        user=event.get("from-user"),
        domain=event.get("from-host"),
        profile=event.get("profile-name"),
        contact=event.get("contact"),
        ip=event.get("network-ip"),
        port=_number(event.get("network-port")),
        user_agent=event.get("user-agent"),
        expires_s=_number(event.get("expires")),
        registration=event.get("call-id"),
    )


def _unregistered(event: SwitchEvent) -> m.Meaning:
    return m.PhoneUnregistered(event.at, event.get("from-user"), event.get("from-host"), event.get("call-id"))


def _expired(event: SwitchEvent) -> m.Meaning:
    return m.PhoneExpired(event.at, event.get("user"), event.get("host"), event.get("call-id"))


def _simple(kind: Callable[[LegId, datetime], m.Meaning]) -> Callable[[SwitchEvent], m.Meaning]:
    return lambda event: kind(_leg(event), event.at)


def _leg(event: SwitchEvent) -> LegId:
    if not event.uuid:
        raise WireError(f"{event.name} names no channel")
    return LegId(event.uuid)


def _number(text: str) -> int:
    """A count of the switch; what is not one counts as 0, since it may come from a variable anyone can set."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _decimal(text: str) -> float:
    whole, _, rest = text.partition(".")
    return float(text) if whole.isdigit() and (rest.isdigit() or not rest) and text.isascii() else 0.0


_BY_NAME: dict[str, Callable[[SwitchEvent], m.Meaning | None]] = {
    EventName.CHANNEL_CREATE: _created,
    EventName.CHANNEL_PROGRESS: _simple(m.LegRinging),
    EventName.CHANNEL_PROGRESS_MEDIA: _simple(m.LegEarlyMedia),
    EventName.CHANNEL_ANSWER: _answered,
    EventName.CHANNEL_BRIDGE: _bridged,
    EventName.CHANNEL_UNBRIDGE: _unbridged,
    EventName.CHANNEL_PARK: _parked,
    EventName.CHANNEL_UNPARK: _simple(m.LegUnparked),
    EventName.CHANNEL_HOLD: _simple(m.LegHeld),
    EventName.CHANNEL_UNHOLD: _simple(m.LegResumed),
    EventName.CHANNEL_HANGUP: _hung_up,
    EventName.CHANNEL_HANGUP_COMPLETE: _ended,
    EventName.CHANNEL_DESTROY: _gone,
    EventName.DTMF: _digit,
    EventName.CHANNEL_EXECUTE: _started,
    EventName.CHANNEL_EXECUTE_COMPLETE: _completed,
    EventName.RECORD_START: _record_started,
    EventName.RECORD_STOP: _record_stopped,
    EventName.BACKGROUND_JOB: _job_done,
    EventName.HEARTBEAT: _heartbeat,
    EventName.CUSTOM: _custom,
}
_BY_SUBCLASS: dict[str, Callable[[SwitchEvent], m.Meaning]] = {
    Subclass.REGISTER: _registered,
    Subclass.UNREGISTER: _unregistered,
    Subclass.EXPIRE: _expired,
}
