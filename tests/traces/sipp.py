"""What the phones of the recordings 02, 12 and 13 did that SIPp played: their SIP was not kept.

What they did is the scenario's (``uac_bye``, ``uac_cancel``, ``uas_answer``, ``uas_code``, ``register``): a caller calls, waits and
hangs up or cancels; a phone rings, then answers or refuses with the code in its own number. When they did it is what the
switch told of it; its clock is the 20 ms one, so a move is made just after the tick on which the switch noticed it.
"""

from collections.abc import Iterable, Iterator

from tests.traces import frames
from tests.traces.actions import Action, Answered, Called, Cancelled, HungUp, Registered

_AFTER_TICK_S = 0.001
_FIRST_CODE, _LAST_CODE = 400, 699
_CALLER_PORT = "127.0.0.1:6160"


def actions(events: Iterable[frames.Event], known: frozenset[str], wall_s: float) -> Iterator[Action]:
    """The moves in every dialog whose Call-ID is not in ``known``."""
    for call_id, legs in _dialogs(events).items():
        if call_id not in known and _is_played(legs):
            move = _caller if legs[0].get("Call-Direction") == "inbound" else _phone
            yield from move(call_id, legs, wall_s)


def invites(events: Iterable[frames.Event], known: frozenset[str], wall_s: float) -> Iterator[tuple[float, str, str]]:
    """INVITEs such phones got: time, number, Call-ID."""
    for call_id, legs in _dialogs(events).items():
        if call_id not in known and legs[0].get("Call-Direction") == "outbound" and _is_played(legs):
            yield _at(legs[0], wall_s), legs[0].get("Caller-Destination-Number"), call_id


def registrations(events: Iterable[frames.Event], known: frozenset[str], wall_s: float) -> Iterator[Action]:
    """REGISTERs of such phones, and of those of other recordings made beside this one."""
    for event in events:
        if event.get("Event-Subclass") == "sofia::register_attempt" and event.get("call-id") not in known:
            yield Registered(
                at_s=_at(event, wall_s),
                user=event.get("from-user"),
                address=event.get("contact").rpartition("@")[2].rstrip(">"),
                expires_s=int(event.get("expires")),
                call_id=event.get("call-id"),
                agent=event.get("user-agent"),
                source=f"{event.get('network-ip')}:{event.get('network-port')}",
            )


def _dialogs(events: Iterable[frames.Event]) -> dict[str, list[frames.Event]]:
    """The events of each leg by the Call-ID of its dialog; several connections may tell the same event."""
    legs: dict[str, dict[str, frames.Event]] = {}
    for event in events:
        if uuid := event.get("Unique-ID"):
            legs.setdefault(uuid, {})[event.get("Event-Sequence")] = event
    found: dict[str, list[frames.Event]] = {}
    own: set[str] = set()
    for told in legs.values():
        ordered = sorted(told.values(), key=lambda event: int(event.get("Event-Sequence")))
        call_id = next(
            (event.get("variable_sip_call_id") for event in ordered if event.get("variable_sip_call_id")), ""
        )
        if call_id in found:
            own.add(call_id)
        if call_id:
            found[call_id] = ordered
    # two legs of one dialog: the switch called itself, and no phone had a part in it (15d)
    return {call_id: ordered for call_id, ordered in found.items() if call_id not in own}


def _at(event: frames.Event, wall_s: float) -> float:
    return int(event.get("Event-Date-Timestamp")) / 1e6 - wall_s + _AFTER_TICK_S


def _first(legs: list[frames.Event], name: str) -> frames.Event | None:
    return next((event for event in legs if event.name == name), None)


def _moment(legs: list[frames.Event], name: str, header: str, wall_s: float) -> float | None:
    """When that event was, or what the last event says of it where nobody listened for it."""
    if event := _first(legs, name):
        return _at(event, wall_s)
    noted = int(legs[-1].get(header) or 0)
    return noted / 1e6 - wall_s + _AFTER_TICK_S if noted else None


def _caller(call_id: str, legs: list[frames.Event], wall_s: float) -> Iterator[Action]:
    created = _first(legs, "CHANNEL_CREATE")
    if created is None:
        return
    number = created.get("Caller-Caller-ID-Number")
    yield Called(
        at_s=_at(created, wall_s),
        phone=number,
        call_id=call_id,
        number=number,
        name="",
        dialled=created.get("Caller-Destination-Number"),
        port=5080,
        address=_CALLER_PORT,
        uuid=created.get("Unique-ID"),
        is_refused=False,
    )
    complete = _first(legs, "CHANNEL_HANGUP_COMPLETE")
    if complete:
        ended = _first(legs, "CHANNEL_HANGUP") or complete
        how = complete.get("variable_sip_hangup_disposition")
        if how == "recv_cancel":
            yield Cancelled(_at(ended, wall_s), call_id)
        elif how == "recv_bye":
            yield HungUp(_at(ended, wall_s), call_id, "")


def _phone(call_id: str, legs: list[frames.Event], wall_s: float) -> Iterator[Action]:
    number = legs[0].get("Caller-Destination-Number")
    complete = _first(legs, "CHANNEL_HANGUP_COMPLETE")
    ringing = _moment(legs, "CHANNEL_PROGRESS", "Caller-Channel-Progress-Time", wall_s)
    if ringing is not None:
        yield Answered(ringing, number, call_id, 180, False)
    ended = _first(legs, "CHANNEL_HANGUP") or complete
    if answered := _first(legs, "CHANNEL_ANSWER"):
        yield Answered(_at(answered, wall_s), number, call_id, 200, True)
    elif ended and _code(number):
        yield Answered(_at(ended, wall_s), number, call_id, _code(number), False)


def _is_played(legs: list[frames.Event]) -> bool:
    """Somebody was there: a caller, or a phone that rang, answered, or refuses with its number."""
    if legs[0].get("Call-Direction") == "inbound":
        return True
    told = {event.name for event in legs}
    return bool({"CHANNEL_PROGRESS", "CHANNEL_ANSWER"} & told) or _code(legs[0].get("Caller-Destination-Number")) > 0


def _code(number: str) -> int:
    """The code such a phone refuses with, 0 if it is none of these."""
    return int(number) if number.isdigit() and _FIRST_CODE <= int(number) <= _LAST_CODE else 0
