"""CloudEvents 1.0 in JSON around every payload: https://github.com/cloudevents/spec, structured mode."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, SerializeAsAny, ValidationError

from ipcc.contracts.catalogue import PAYLOADS
from ipcc.contracts.payload import Payload, enums_of, is_command, not_understood, unknown_of
from ipcc.contracts.topics import Topic
from ipcc.errors import Bug, InvalidMessage


class Unknown(Payload):
    """A payload whose type this release does not know: newer writers must not stop older readers."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Event(BaseModel):
    """One fact, command or reply. ``time`` is when it happened; ``subject`` is the partition key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    type: str
    source: str
    subject: str
    time: AwareDatetime
    dataschema: str
    data: SerializeAsAny[Payload]

    @property
    def topic(self) -> Topic:
        """Where it belongs."""
        return self.data.TOPIC


def wrap(data: Payload, *, event_id: str, source: str, time: AwareDatetime) -> Event:
    """``data`` in an envelope; ``source`` is the service and its instance, such as ``acd/acd-0``."""
    return Event(
        id=event_id,
        type=data.TYPE,
        source=source,
        subject=data.key(),
        time=time,
        dataschema=f"{data.TYPE}.v{data.VERSION}",
        data=data,
    )


def encode(event: Event) -> bytes:
    """The JSON bytes of ``event``. Raises Bug for a word that was read from a newer release: we do not say what we do not know."""
    if new := not_understood(event.data):
        raise Bug("event.unknown_word", f"{event.type}: not known here: {', '.join(new)}", type=event.type)
    return orjson.dumps({"specversion": "1.0", "datacontenttype": "application/json", **event.model_dump(mode="json")})


def decode(raw: bytes) -> Event:
    """The event in ``raw``. Raises InvalidMessage naming what is wrong.

    An unknown type is not wrong (see Unknown), nor is an unknown word in a fact (see unknown_of): newer releases have more.
    """
    try:
        found: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidMessage(f"not JSON: {error}") from error
    if not isinstance(found, dict) or found.get("specversion") != "1.0":
        raise InvalidMessage("not a CloudEvents 1.0 envelope")
    kind = PAYLOADS.get(str(found.get("type")), Unknown)
    try:
        data = _read(kind, found.get("data") or {})
        return Event.model_validate({**found, "data": data})
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise InvalidMessage(f"{found.get('type')}: {reasons}", type=found.get("type")) from error


def _read(kind: type[Payload], data: Any) -> Payload:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        words = enums_of(kind)
        new = {
            str(e["loc"][0]) for e in error.errors() if e["type"] == "enum" and isinstance(e["input"], str)
        } & words.keys()
        if not new or is_command(kind):
            raise
        return kind.model_validate({**data, **{name: unknown_of(words[name]) for name in new}})
