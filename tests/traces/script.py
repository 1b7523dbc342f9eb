"""A recording as a script to play again: what the clients sent, what the phones did, each at its time."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.traces import frames, recorded, sipp
from tests.traces.actions import (
    Action,
    Answered,
    Called,
    Cancelled,
    Closed,
    HungUp,
    Keyed,
    Referred,
    Registered,
    Reinvited,
    Sent,
    Spoke,
)
from tests.traces.recorded import SipMessage

_DEFAULT_EXPIRES_S = 3600
_TICK_S = 0.02
_BEFORE_S = 0.0005
_KEY_SAMPLES = 800
_NAME_ADDR = re.compile(r'^(?:"(?P<name>(?:[^"\\]|\\.)*)"\s*)?<?sip:(?P<user>[^@>;]*)@(?P<host>[^>;]*)')


@dataclass(frozen=True)
class Script:
    """One recording, ready to play."""

    name: str
    wall_s: float
    """Unix time of the recorder's zero."""
    tick_s: float
    """Any moment at which the switch's 20 ms clock ticked, as Unix time."""
    started_s: float | None
    """Unix time at which the switch was started, where it was not the one of most recordings."""
    actions: tuple[Action, ...]
    invites: tuple[tuple[float, str, str], ...]
    """INVITEs the phones got: time, phone, Call-ID, in order."""
    uuids: dict[str, str]
    """Call-ID of a SIP dialog to the uuid of its channel."""
    own_halves: tuple[str, ...]
    """The channels that ran the dialplan for a loopback leg, in order: their uuids are the switch's choice."""
    connections: tuple[str, ...]
    end_s: float
    """When the recording ended."""


def read(name: str) -> Script:
    """The script of a recording."""
    meta = recorded.meta(name)
    conns = recorded.connections(name)
    lines = {conn: recorded.load(name, conn) for conn in conns}
    events = [event for conn in conns for event in _events(lines[conn])]
    uuids = _uuids(events)
    known = frozenset(_headers(message)["call-id"] for message in meta.sip)
    tick_s = _tick(events, meta.wall_s)
    cut_off = _cut_off(events, tick_s)
    stops = {call_id: cut_off[uuid] - meta.wall_s for call_id, uuid in uuids.items() if uuid in cut_off}
    actions: list[Action] = [*_sent(lines), *_phones(meta.sip, uuids, stops), *_keyed(events), *_spoken(events)]
    actions += _heard(meta.voices, uuids)
    actions += (Keyed(key.at_s, uuids[key.call_id], key.digit, _KEY_SAMPLES, is_info=False) for key in meta.keys)
    actions += sipp.actions(events, known, meta.wall_s)
    actions += sipp.registrations(events, known, meta.wall_s)
    actions.sort(key=lambda action: action.at_s)
    times = [line.at_s for rows in lines.values() for line in rows] + [message.at_s for message in meta.sip]
    return Script(
        name=name,
        wall_s=meta.wall_s,
        tick_s=tick_s,
        started_s=meta.started_s,
        actions=tuple(actions),
        invites=tuple(sorted([*_invites(meta.sip), *sipp.invites(events, known, meta.wall_s)])),
        uuids=uuids,
        own_halves=tuple(
            event.get("Unique-ID") for event in events if is_own_half(event.name, event.get("Channel-Name"))
        ),
        connections=conns,
        end_s=max(times),
    )


def _events(lines: list[recorded.Line]) -> Iterator[frames.Event]:
    for frame in frames.timed(lines):
        if frame.is_event:
            yield frames.event_of(frame)


def _tick(events: list[frames.Event], wall_s: float) -> float:
    stamps = (event.get("Event-Date-Timestamp") for event in events if event.get("Unique-ID"))
    return next((int(stamp) / 1e6 for stamp in stamps if stamp), wall_s)


def _cut_off(events: list[frames.Event], tick_s: float) -> dict[str, float]:
    """The legs whose sound was cut off by their hang-up, each with the latest moment of that hang-up, as Unix time.

    Each leg has its frames at moments of its own inside a tick, in the simulator all have them when it begins. So a sound that
    would have ended in the tick of the hang-up ends there before it, unless the hang-up is taken in before that tick begins.
    """
    told: dict[str, float] = {}
    found: dict[str, float] = {}
    for event in events:
        uuid = event.get("Unique-ID")
        if event.name == "CHANNEL_HANGUP":
            ticks = round((int(event.get("Event-Date-Timestamp")) / 1e6 - tick_s) / _TICK_S)
            told[uuid] = tick_s + ticks * _TICK_S
        elif event.name == "PLAYBACK_STOP" and uuid in told:
            found[uuid] = told[uuid] - _BEFORE_S
    return found


def is_own_half(event: str, channel: str) -> bool:
    """Whether that event of a channel of that name says that the inner half of a loopback leg begins."""
    return event == "CHANNEL_CREATE" and channel.startswith("loopback/") and channel.endswith("-b")


def _uuids(events: list[frames.Event]) -> dict[str, str]:
    found: dict[str, str] = {}
    for event in events:
        if call_id := event.get("variable_sip_call_id"):
            found.setdefault(call_id, event.get("Unique-ID"))
    return found


def _sent(lines: dict[str, list[recorded.Line]]) -> Iterator[Action]:
    for conn, rows in lines.items():
        is_over = False
        for line in rows:
            if line.direction == "out":
                yield Sent(line.at_s, conn, line.data)
            is_over = is_over or line.is_end
            if line.is_end and not says_goodbye(rows):
                yield Closed(line.at_s, conn)


def says_goodbye(rows: list[recorded.Line]) -> bool:
    """The switch closed, or the client: the switch always says goodbye first."""
    last = b"".join(line.data for line in rows if line.direction == "in")[-70:]
    return b"cluecon.com" in last


def _headers(message: SipMessage) -> dict[str, str]:
    head = message.text.partition("\r\n\r\n")[0].split("\r\n")[1:]
    pairs = (line.partition(":") for line in head)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _phones(sip: Iterable[SipMessage], uuids: dict[str, str], stops: dict[str, float]) -> Iterator[Action]:
    messages = [(message, _headers(message)) for message in sip]
    final = {
        headers["call-id"]: message.line
        for message, headers in messages
        if not message.is_sent and "INVITE" in message.cseq and not message.line.startswith(("SIP/2.0 1", "INVITE"))
    }
    byes = {
        headers["call-id"]: message
        for message, headers in messages
        if message.line.startswith("BYE ") and message.is_sent
    }
    answered = {headers["call-id"] for message, headers in messages if _answers_bye(message)}
    challenged = {
        (headers["call-id"], message.cseq)
        for message, headers in messages
        if not message.is_sent and message.line.startswith("SIP/2.0 407")
    }
    seen: set[tuple[str, str]] = set()
    for message, headers in messages:
        key = (headers["call-id"], message.cseq + message.line[:12])
        is_again = key in seen
        seen.add(key)
        if is_again or (headers["call-id"], message.cseq) in challenged:
            continue  # a retransmission, or sent again with a digest
        action = _action(message, headers, uuids, final)
        if action is not None and not (isinstance(action, HungUp) and headers["call-id"] in answered):
            yield action
        bye = byes.get(headers["call-id"])
        # the switch takes a BYE in before it answers it, up to a frame after it was sent (06u, 06v)
        if bye is not None and _answers_bye(message):
            latest_s = min(message.at_s, stops.get(headers["call-id"], message.at_s))
            yield HungUp(max(bye.at_s, latest_s), headers["call-id"], _q850(bye.reason))


def _answers_bye(message: SipMessage) -> bool:
    return not message.is_sent and message.line.startswith("SIP/2.0 200") and "BYE" in message.cseq


def _action(
    message: SipMessage, headers: dict[str, str], uuids: dict[str, str], final: dict[str, str]
) -> Action | None:
    verb, call_id = message.line.split(" ")[0], headers["call-id"]
    if not message.is_sent:
        is_decided = message.line.startswith(("SIP/2.0 200", "SIP/2.0 403")) and "REGISTER" in message.cseq
        return _registered(message, headers) if is_decided else None
    if verb == "INVITE" and ";tag=" not in headers["to"]:
        return _called(message, headers, uuids.get(call_id, ""), final.get(call_id, ""))
    if verb == "INVITE":
        return Reinvited(message.at_s, call_id, "a=sendonly" in message.text or "a=inactive" in message.text)
    if verb == "REFER":
        return Referred(message.at_s, call_id, headers["refer-to"].partition("sip:")[2].partition("@")[0])
    if verb == "CANCEL":
        return Cancelled(message.at_s, call_id)
    if verb == "BYE":
        return HungUp(message.at_s, call_id, _q850(message.reason))
    if verb == "SIP/2.0" and "INVITE" in message.cseq and not message.line.startswith("SIP/2.0 100"):
        code = int(message.line.split(" ")[1])
        return Answered(message.at_s, message.phone, call_id, code, "m=audio" in message.text)
    return None


def _called(message: SipMessage, headers: dict[str, str], uuid: str, final: str) -> Called:
    found = _NAME_ADDR.match(headers["from"])
    contact = _NAME_ADDR.match(headers["contact"].lstrip("<"))
    target = message.line.split(" ")[1].removeprefix("sip:")
    dialled, _, host = target.partition("@")
    return Called(
        at_s=message.at_s,
        phone=message.phone,
        call_id=headers["call-id"],
        number=found["user"] if found else message.phone,
        name=(found["name"] or "") if found else "",
        dialled=dialled,
        port=int(host.partition(";")[0].partition(":")[2] or 5060),
        address=contact["host"] if contact else "127.0.0.1:6100",
        uuid=uuid,
        is_refused=not uuid and final.startswith("SIP/2.0 503"),
        user=_authenticated(headers),
    )


def _authenticated(headers: dict[str, str]) -> str:
    given = headers.get("proxy-authorization", "") + headers.get("authorization", "")
    found = re.search(r'username="([^"]*)"', given)
    return found[1] if found else ""


def _registered(message: SipMessage, headers: dict[str, str]) -> Registered:
    contact = headers.get("contact", "")
    expires = re.search(r"expires=(\d+)", contact)
    # the answer to an unregistration names no contact; the phone is where its Via says
    address = re.search(r"@([^>;]+)", contact) or re.search(r"UDP ([^;]+)", headers.get("via", ""))
    is_refused = message.line.startswith("SIP/2.0 403")
    to = _NAME_ADDR.match(headers["to"])
    return Registered(
        at_s=message.at_s,
        user=to["user"] if to else message.phone,
        address=address[1] if address else "",
        expires_s=int(expires[1]) if expires else _DEFAULT_EXPIRES_S * is_refused,
        is_refused=is_refused,
        call_id=headers["call-id"],
    )


def _q850(reason: str) -> str:
    found = re.search(r"Q\.850;cause=(\d+)", reason)
    return found[1] if found else ""


def _invites(sip: Iterable[SipMessage]) -> Iterator[tuple[float, str, str]]:
    seen: set[str] = set()
    for message in sip:
        headers = _headers(message)
        is_new = not message.is_sent and message.line.startswith("INVITE") and ";tag=" not in headers["to"]
        if is_new and headers["call-id"] not in seen:
            seen.add(headers["call-id"])
            yield message.at_s, message.phone, headers["call-id"]


def _keyed(events: Iterable[frames.Event]) -> Iterator[Action]:
    seen: set[str] = set()
    for event in events:
        # two connections may have heard of the same key
        # keys of source APP come from a command
        if event.name == "DTMF" and event.get("DTMF-Source") != "APP" and event.get("Event-Sequence") not in seen:
            seen.add(event.get("Event-Sequence"))
            yield Keyed(
                at_s=event.at_s - 0.02,  # the event comes on the tick after the key was let go
                uuid=event.get("Unique-ID"),
                digit=event.get("DTMF-Digit"),
                duration=int(event.get("DTMF-Duration") or 0),
                is_info=event.get("DTMF-Source") == "ENDPOINT",
            )


def _heard(voices: Iterable[recorded.Voice], uuids: dict[str, str]) -> Iterator[Action]:
    for voice in voices:
        yield Spoke(voice.at_s, uuids[voice.call_id], voice.speaks)


def _spoken(events: Iterable[frames.Event]) -> Iterator[Action]:
    """Phones play tones; what is heard of them is known by what the conferences told."""
    for event in events:
        if event.get("Action") in ("start-talking", "stop-talking"):
            yield Spoke(event.at_s - 0.02, event.get("Unique-ID"), event.get("Action") == "start-talking")
