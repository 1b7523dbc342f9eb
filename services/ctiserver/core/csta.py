"""CSTA III in XML (ECMA-323, edition 4): requests read, responses, errors and events written. Pure.

One message is four digits of invoke id and an XML document, as ECMA-323 frames them on a stream; events bear 9999. A device is
a phone's number; a connection is one device in one call. The leg beside which somebody consults is in the same call, so held and
active call bear one call id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from ipcc.call.book import CallBook
from ipcc.call.model import Leg
from ipcc.contracts import call as told
from ipcc.contracts.payload import Payload
from ipcc.errors import Invalid, IpccError, NotAllowed, NotFound, NotNow

NAMESPACE = "http://www.ecma-international.org/standards/ecma-323/csta/ed4"
EVENT_ID = "9999"
LONGEST = 16_384
_INVOKE_DIGITS = 4


@dataclass(frozen=True)
class Connection:
    """One device in one call."""

    call_id: str
    device: str


@dataclass(frozen=True)
class Request:
    """A service request. ``values`` are its plain elements by name, ``connections`` those that name one."""

    invoke_id: str
    service: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    connections: Mapping[str, Connection] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """Raises Invalid for an element that is missing."""
        if not self.values.get(name):
            raise Invalid("csta.missing", f"{self.service} needs {name}")
        return self.values[name]

    def connection(self, *names: str) -> Connection:
        """The first of these that is there. Raises Invalid."""
        for name in names:
            if name in self.connections:
                return self.connections[name]
        raise Invalid("csta.missing", f"{self.service} needs {' or '.join(names)}")


def read(text: str) -> Request:
    """The request in ``text``. Raises Invalid (csta.malformed): no invoke id, no XML, a document type, another namespace."""
    invoke_id, document = text[:_INVOKE_DIGITS], text[_INVOKE_DIGITS:]
    if len(text) > LONGEST or not (invoke_id.isascii() and invoke_id.isdigit()) or len(invoke_id) < _INVOKE_DIGITS:
        raise Invalid("csta.malformed", "four digits of invoke id, then an XML document of at most 16 kB")
    if "<!" in document:
        raise Invalid("csta.malformed", "no document type, no comments", invoke_id=invoke_id)
    try:
        # entities cannot be declared: a document type was refused above
        root = ElementTree.fromstring(document)  # noqa: S314
    except ElementTree.ParseError:
        raise Invalid("csta.malformed", "not an XML document", invoke_id=invoke_id) from None
    if not root.tag.startswith(f"{{{NAMESPACE}}}"):
        raise Invalid("csta.malformed", f"not of {NAMESPACE}", invoke_id=invoke_id)
    values: dict[str, str] = {}
    connections: dict[str, Connection] = {}
    for child in root:
        parts = {_name(one): (one.text or "").strip() for one in child.iter()}
        if "callID" in parts and "deviceID" in parts:
            connections[_name(child)] = Connection(parts["callID"], parts["deviceID"])
        else:
            values[_name(child)] = parts.get("deviceObject") or parts[_name(child)]
    return Request(invoke_id, _name(root), values, connections)


def response(request: Request, **parts: str | Connection) -> str:
    """What a request is answered when it was done."""
    return write(request.invoke_id, f"{request.service}Response", parts)


_OPERATION = {
    "leg.unknown": "invalidConnectionID",
    "csta.no_connection": "invalidConnectionID",
    "call.unknown": "invalidCallID",
    "number.invalid": "invalidCalledDeviceID",
    "phone.unknown": "invalidDeviceID",
    "csta.no_monitor": "invalidMonitorCrossRefID",
    "csta.unknown_service": "serviceNotSupported",
}


def error(invoke_id: str, found: IpccError) -> str:
    """The CSTA error of one of ours, with our stable code as private data."""
    root = Element("CSTAErrorCode", {"xmlns": NAMESPACE})
    if found.code in _OPERATION or isinstance(found, Invalid | NotFound):
        SubElement(root, "operation").text = _OPERATION.get(found.code, "invalidParameterValue")
    elif isinstance(found, NotAllowed):
        SubElement(root, "operation").text = "privilegeViolationSpecifiedDevice"
    elif isinstance(found, NotNow):
        SubElement(root, "stateIncompatibility").text = "invalidObjectState"
    else:
        SubElement(root, "systemResourceAvailability").text = "resourceOutOfService"
    extensions = SubElement(root, "extensions")
    SubElement(SubElement(extensions, "privateData"), "code").text = found.code
    return invoke_id + ElementTree.tostring(root, "unicode")


def write(invoke_id: str, name: str, parts: Mapping[str, str | Connection]) -> str:
    """One message."""
    root = Element(name, {"xmlns": NAMESPACE})
    for key, value in parts.items():
        child = SubElement(root, key)
        if isinstance(value, Connection):
            SubElement(child, "callID").text = value.call_id
            SubElement(child, "deviceID").text = value.device
        elif key.endswith("Device"):
            SubElement(child, "deviceIdentifier").text = value
        else:
            child.text = value
    return invoke_id + ElementTree.tostring(root, "unicode")


@dataclass(frozen=True)
class CstaEvent:
    """An event for everybody who monitors ``device``."""

    device: str
    name: str
    parts: Mapping[str, str | Connection] = field(repr=False)

    def text(self, cross_reference: str) -> str:
        """The message for one monitor."""
        return write(EVENT_ID, self.name, {"monitorCrossRefID": cross_reference, **self.parts})


def events_of(payload: Payload, book: CallBook) -> list[CstaEvent]:
    """What the monitors of the devices in the call are told because of a fact; mostly one event a device, often none."""
    write_one = _EVENTS.get(type(payload))
    leg = book.leg(getattr(payload, "leg_id", ""))
    if write_one is None or leg is None:
        return []
    name, parts = write_one(payload, leg, book)
    return [CstaEvent(device, name, parts) for device in sorted(_devices(leg, book))]


def _devices(leg: Leg, book: CallBook) -> Iterator[str]:
    call = book.call(leg.call_id)
    legs = (book.leg(leg_id) for leg_id in (call.live if call else ()))
    yield from {leg.address, *(other.address for other in legs if other)} - {""}


def _connection(leg: Leg) -> Connection:
    return Connection(leg.call_id, leg.address)


def _ends(leg: Leg, book: CallBook) -> dict[str, str | Connection]:
    call = book.call(leg.call_id)
    return {
        "callingDevice": call.caller_number if call else "",
        "calledDevice": (call.dialled_number if call else "") or leg.address,
    }


_Written = tuple[str, dict[str, str | Connection]]


def _delivered(_: Any, leg: Leg, book: CallBook) -> _Written:
    own: dict[str, str | Connection] = {"connection": _connection(leg), "alertingDevice": leg.address}
    return "DeliveredEvent", {**own, **_ends(leg, book), "localConnectionInfo": "alerting", "cause": "newCall"}


def _established(_: Any, leg: Leg, book: CallBook) -> _Written:
    own: dict[str, str | Connection] = {"establishedConnection": _connection(leg), "answeringDevice": leg.address}
    return "EstablishedEvent", {**own, **_ends(leg, book), "localConnectionInfo": "connected", "cause": "newCall"}


def _held(_: Any, leg: Leg, __: CallBook) -> _Written:
    return "HeldEvent", {
        "heldConnection": _connection(leg),
        "holdingDevice": leg.address,
        "localConnectionInfo": "hold",
        "cause": "normal",
    }


def _held_for(payload: told.PartyHeld, leg: Leg, book: CallBook) -> _Written:
    # it is the agent's connection to him that is held
    return _held(payload, book.leg(payload.by_leg_id) or leg, book)


def _retrieved(_: Any, leg: Leg, __: CallBook) -> _Written:
    return "RetrievedEvent", {
        "retrievedConnection": _connection(leg),
        "retrievingDevice": leg.address,
        "localConnectionInfo": "connected",
        "cause": "normal",
    }


def _conferenced(_: Any, leg: Leg, __: CallBook) -> _Written:
    return "ConferencedEvent", {
        "primaryOldCall": _connection(leg),
        "conferencingDevice": leg.address,
        "addedParty": leg.address,
        "localConnectionInfo": "connected",
        "cause": "conference",
    }


def _cleared(payload: told.LegEnded, leg: Leg, _: CallBook) -> _Written:
    causes = {"USER_BUSY": "busy", "NO_ANSWER": "noAnswer", "CALL_REJECTED": "callRejected"}
    return "ConnectionClearedEvent", {
        "droppedConnection": _connection(leg),
        "releasingDevice": leg.address,
        "localConnectionInfo": "null",
        "cause": causes.get(payload.cause, "normalClearing"),
    }


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


_EVENTS: dict[type[Payload], Callable[[Any, Leg, CallBook], _Written]] = {
    told.LegRinging: _delivered,
    told.LegAnswered: _established,
    told.LegHeld: _held,
    told.PartyHeld: _held_for,
    told.LegResumed: _retrieved,
    told.PartyRetrieved: _retrieved,
    told.LegConferenced: _conferenced,
    told.LegEnded: _cleared,
}
