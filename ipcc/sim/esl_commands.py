"""The commands of the event socket and their replies, as recorded (01a-01h, 04a, 04q, 04r). Pure.

The switch looks only at the beginning of a line: ``exit now`` is an exit, ``logging`` is a ``log``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ipcc.sim import wire
from ipcc.sim.channels import Message
from ipcc.sim.esl_input import Command
from ipcc.sim.esl_session import Control, Session
from ipcc.sim.outputs import Pending

_UNKNOWN = "-ERR command not found"
_NO_WORDS = "-ERR no keywords supplied"
_LEVELS = ("console", "alert", "crit", "err", "warning", "notice", "info", "debug")


def run(session: Session, command: Command) -> None:
    """Carry out one command and write its reply."""
    for prefix, act in _table(session):
        if command.line.lower().startswith(prefix):
            act(session, command)
            return
    session.reply(_UNKNOWN)


Act = Callable[[Session, Command], None]


def _table(session: Session) -> tuple[tuple[str, Act], ...]:
    if not session.is_authed:
        return _BEFORE_AUTH
    if session.control is None:
        return _INBOUND
    return _OUTBOUND if session.control.is_async else _OUTBOUND_SYNC


def _rest(command: Command, prefix: str) -> str:
    return command.line[len(prefix) :]


def _exit(session: Session, command: Command) -> None:
    session.reply("+OK bye")
    session.say_goodbye()


def _auth(session: Session, command: Command) -> None:
    if _rest(command, "auth ") == session.password:
        session.is_authed = True
        session.reply("+OK accepted")
        return
    session.reply("-ERR invalid")
    session.say_goodbye()


def _userauth(session: Session, command: Command) -> None:
    # a directory user may have an event-socket password of his own; none of ours has one, and then this is the answer (01e)
    session.reply("-ERR invalid")
    session.say_goodbye()


def _api(session: Session, command: Command) -> None:
    name, _, argument = _rest(command, "api ").partition(" ")
    answer = session.switch.api(name, argument)
    if isinstance(answer, Pending):
        session.wait_for(answer)
    else:
        session.write(wire.api_response(answer))


def _bgapi(session: Session, command: Command) -> None:
    name, _, argument = _rest(command, "bgapi ").partition(" ")
    job = command.get("Job-UUID") or session.new_uuid()
    session.reply(f"+OK Job-UUID: {job}", {"Job-UUID": job})
    session.switch.bgapi(name, argument, job)


def _event(session: Session, command: Command) -> None:
    known = session.subscription.add(_rest(command, "event").split())
    session.reply(f"+OK event listener enabled {session.subscription.style}" if known else _NO_WORDS)


def _nixevent(session: Session, command: Command) -> None:
    nixed = session.subscription.remove(_rest(command, "nixevent").split())
    session.reply("+OK events nixed" if nixed else _NO_WORDS)


def _noevents(session: Session, command: Command) -> None:
    session.subscription.clear()
    session.reply("+OK no longer listening for events")


def _filter(session: Session, command: Command) -> None:
    name, _, value = _rest(command, "filter ").strip().partition(" ")
    value = value.strip()
    if not value:
        session.reply("-ERR invalid syntax")
    elif name.lower() == "delete":
        header, _, old = value.partition(" ")
        session.subscription.remove_filter(header, old or None)
        session.reply(f"+OK filter deleted. [{header}][{old}]")
    else:
        session.subscription.add_filter(name, value)
        session.reply(f"+OK filter added. [{name}]=[{value}]")


def _myevents_of(session: Session, command: Command) -> None:
    session.subscription.add(["ALL"])
    session.subscription.only_uuid = _rest(command, "myevents ").strip()
    session.reply("+OK Events Enabled")


def _uncontrolled(session: Session, command: Command) -> None:
    # the switch writes a full stop after one of these three and not after the others
    stop = "." if command.line.lower().startswith("divert_events") else ""
    session.reply(f"-ERR not controlling a session{stop}")


def _log(session: Session, command: Command) -> None:
    word = _rest(command, "log").strip()
    level = _level(word)
    if level is None:
        session.reply("-ERR invalid log level")
        return
    session.log_level = level
    session.reply(f"+OK log level {word} [{level}]")


def _level(word: str) -> int | None:
    if not word:
        return _LEVELS.index("debug")
    if word.isdigit():
        return int(word) if int(word) < len(_LEVELS) else None
    return _LEVELS.index(word.lower()) if word.lower() in _LEVELS else None


def _nolog(session: Session, command: Command) -> None:
    session.reply("-ERR not loging" if session.log_level is None else "+OK no longer logging")
    session.log_level = None


def _sendevent(session: Session, command: Command) -> None:
    name = _rest(command, "sendevent").strip()
    identifier = session.new_uuid()
    subclass = [(key, value) for key, value in command.headers if key == "Event-Subclass"]
    own = [pair for pair in command.headers if pair not in subclass]
    headers = [*subclass, ("Command", command.line), *own, ("Event-UUID", identifier)]
    session.reply(f"+OK {identifier}")
    session.switch.send_event(name, headers, command.body)


def _sendmsg(session: Session, command: Command) -> None:
    control = session.control
    uuid = _rest(command, "sendmsg").strip() or (control.uuid if control else "")
    action = (command.get("call-command") or "").lower()
    if action == "hangup":
        session.reply(session.switch.hang_up(uuid, command.get("hangup-cause") or "NORMAL_CLEARING"))
        return
    if action != "execute" and session.switch.variable(uuid, "uuid") is not None:
        session.reply("+OK")  # other calls of sendmsg (nomedia, unicast, …) are taken and do nothing here
        return
    is_sync = control is not None and not control.is_async
    reply = session.switch.execute(uuid, _message(session, command, is_sync=is_sync))
    if is_sync and control is not None and reply.startswith("+OK"):
        control.awaits = True
    else:
        session.reply(reply)


def _message(session: Session, command: Command, *, is_sync: bool) -> Message:
    loops = command.get("loops") or ""
    return Message(
        "execute",
        app=command.get("execute-app-name") or "",
        # a long argument may come as the body instead of a header (14f)
        argument=command.get("execute-app-arg") or command.body or "",
        event_uuid=command.get("Event-UUID") or session.new_uuid(),
        lock=(command.get("event-lock") or "").lower() == "true",
        loops=int(loops) if loops.lstrip("-").isdigit() else 1,
        done=session.carried_out if is_sync else None,
    )


def _controlled(session: Session) -> Control:
    if session.control is None:
        raise RuntimeError("an outbound command on an inbound connection")
    return session.control


def _connect(session: Session, command: Command) -> None:
    control = _controlled(session)
    data = session.switch.channel_data(control.uuid)
    if data is None:
        session.reply(f"-ERR invalid session id [{control.uuid}]")
        return
    control.is_connected = True
    session.write(wire.connect_reply(_profile_first(data), is_async=control.is_async, is_full=control.is_full))


def _profile_first(data: Mapping[str, wire.Value]) -> dict[str, wire.Value]:
    """The caller's profile a second time as ``Channel-…``, before the channel's own headers (fact 15)."""
    out: dict[str, wire.Value] = {}
    for name, value in data.items():
        out[name] = value
        if name == "Event-Sequence":
            profile = {key: item for key, item in data.items() if key.startswith("Caller-")}
            out.update({f"Channel-{key.removeprefix('Caller-')}": item for key, item in profile.items()})
    out.update({"Event-Calling-File": "mod_event_socket.c", "Event-Calling-Function": "parse_command"})
    out["Event-Calling-Line-Number"] = "2021"
    return out


def _myevents(session: Session, command: Command) -> None:
    session.subscription.follow(_controlled(session).uuid)
    session.reply("+OK Events Enabled")


def _getvar(session: Session, command: Command) -> None:
    value = session.switch.variable(_controlled(session).uuid, _rest(command, "getvar ").strip())
    session.reply(value or _UNKNOWN)


def _resume(session: Session, command: Command) -> None:
    _controlled(session).is_resumed = True
    session.reply("+OK")


def _divert(session: Session, command: Command) -> None:
    session.is_diverting = _rest(command, "divert_events").strip().lower() == "on"
    session.reply("+OK events diverted" if session.is_diverting else "+OK events not diverted")


def _linger(session: Session, command: Command) -> None:
    control = _controlled(session)
    seconds = _rest(command, "linger").strip()
    control.linger_s = int(seconds) if seconds.isdigit() else -1
    session.switch.control_lingers(control.uuid, lingers=True)
    session.reply(f"+OK will linger {seconds} seconds" if seconds.isdigit() else "+OK will linger")


def _nolinger(session: Session, command: Command) -> None:
    control = _controlled(session)
    control.linger_s = None
    session.switch.control_lingers(control.uuid, lingers=False)
    session.reply("+OK will not linger")


_BEFORE_AUTH: tuple[tuple[str, Act], ...] = (("exit", _exit), ("auth ", _auth), ("userauth ", _userauth))

_EVERYWHERE: tuple[tuple[str, Act], ...] = (("exit", _exit), ("filter ", _filter), ("sendmsg", _sendmsg))

_WITH_EVENTS: tuple[tuple[str, Act], ...] = (
    *_EVERYWHERE,
    ("api ", _api),
    ("bgapi ", _bgapi),
    ("event", _event),
    ("nixevent", _nixevent),
    ("noevents", _noevents),
    ("sendevent", _sendevent),
    ("nolog", _nolog),
)

_INBOUND: tuple[tuple[str, Act], ...] = (
    *_WITH_EVENTS,
    ("myevents ", _myevents_of),
    ("divert_events", _uncontrolled),
    ("nolinger", _uncontrolled),
    ("linger", _uncontrolled),
    ("log", _log),
)

_CONTROL: tuple[tuple[str, Act], ...] = (
    ("connect", _connect),
    ("myevents", _myevents),
    ("getvar ", _getvar),
    ("resume", _resume),
    ("divert_events", _divert),
)

_OUTBOUND: tuple[tuple[str, Act], ...] = (
    *_CONTROL,
    *_WITH_EVENTS,
    ("nolinger", _nolinger),
    ("linger", _linger),
    ("log", _log),
)

_OUTBOUND_SYNC: tuple[tuple[str, Act], ...] = (*_CONTROL, *_EVERYWHERE)
"""Without async there are no events and no api (04q)."""
