"""CSTA III in XML (ECMA-323, edition 4): requests read, responses, errors and events written. Pure.

One message is four digits of invoke id and an XML document, as ECMA-323 frames them on a stream; events bear 9999. A device is
a phone's number; a connection is one device in one call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from ipcc.errors import Invalid, IpccError, NotAllowed, NotFound, NotNow

NAMESPACE = "http://www.ecma-international.org/standards/ecma-323/csta/ed4"
PRIVATE = "urn:ipcc:csta"
"""The namespace of our private data: what stands in ``private`` belongs to whoever made it, not to the standard."""
EVENT_ID = "9999"
LONGEST = 16_384
_INVOKE_DIGITS = 4
_DEVICES = ("deviceObject", "deviceIdentifier")
"""The elements a device may be wrapped in."""


@dataclass(frozen=True)
class Connection:
    """One device in one call."""

    call_id: str
    device: str


@dataclass(frozen=True)
class Device:
    """A device as a subject of an event; "" is one that is not known."""

    number: str = field(repr=False)


@dataclass(frozen=True)
class NotRequired:
    """What a device identifier is when there is nothing to say, as for a call that nobody redirected."""


NOT_REQUIRED = NotRequired()


@dataclass(frozen=True)
class Moved:
    """One connection of those left after a transfer or in a conference."""

    new: Connection
    old: Connection
    endpoint: str = field(repr=False)


Part = str | Connection | Device | NotRequired | tuple[Moved, ...]


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
            values[_name(child)] = next((parts[name] for name in _DEVICES if parts.get(name)), parts[_name(child)])
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
    private = SubElement(SubElement(SubElement(root, "extensions"), "privateData"), "private")
    SubElement(private, "code", {"xmlns": PRIVATE}).text = found.code
    return invoke_id + ElementTree.tostring(root, "unicode")


def write(invoke_id: str, name: str, parts: Mapping[str, Part]) -> str:
    """One message."""
    root = Element(name, {"xmlns": NAMESPACE})
    for key, value in parts.items():
        _put(SubElement(root, key), value)
    return invoke_id + ElementTree.tostring(root, "unicode")


def _put(element: Element, value: Part) -> None:
    if isinstance(value, str):
        element.text = value
    elif isinstance(value, Connection):
        SubElement(element, "callID").text = value.call_id
        SubElement(element, "deviceID").text = value.device
    elif isinstance(value, NotRequired):
        SubElement(element, "notRequired")
    elif isinstance(value, Device):
        SubElement(element, "deviceIdentifier" if value.number else "notKnown").text = value.number or None
    else:
        for moved in value:
            item = SubElement(element, "connectionListItem")
            _put(SubElement(item, "newConnection"), moved.new)
            _put(SubElement(item, "oldConnection"), moved.old)
            SubElement(SubElement(item, "endpoint"), "deviceID").text = moved.endpoint


def snapshot(request: Request, connections: Iterable[tuple[Connection, str]]) -> str:
    """The answer of SnapshotDevice: each connection of the device with its local state."""
    root = Element("SnapshotDeviceResponse", {"xmlns": NAMESPACE})
    data = SubElement(SubElement(root, "crossRefIDorSnapshotData"), "snapshotData")
    for connection, state in connections:
        info = SubElement(data, "snapshotDeviceResponseInfo")
        _put(SubElement(info, "connectionIdentifier"), connection)
        call_state = SubElement(SubElement(info, "localCallState"), "compoundCallState")
        SubElement(call_state, "localConnectionState").text = state
    return request.invoke_id + ElementTree.tostring(root, "unicode")


@dataclass(frozen=True)
class CstaEvent:
    """An event for everybody who monitors ``device``."""

    device: str
    name: str
    parts: Mapping[str, Part] = field(repr=False)

    def text(self, cross_reference: str) -> str:
        """The message for one monitor."""
        return write(EVENT_ID, self.name, {"monitorCrossRefID": cross_reference, **self.parts})


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
