"""SIP messages from and to bytes: as much of RFC 3261 as one telephone needs. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SHORT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "c": "content-type",
    "l": "content-length",
}
_TAG = re.compile(r";tag=([^;>\s]+)")
_URI = re.compile(r"<([^>]+)>")
_DISPLAY = re.compile(r'^\s*"((?:[^"\\]|\\.)*)"|^\s*([^<"]*?)\s*<')


@dataclass
class Message:
    """A request or an answer. Bytes that are no UTF-8 survive as surrogates."""

    first: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Message:
        """The message in one datagram. Raises ValueError."""
        head, _, body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        if "SIP/2.0" not in first:
            raise ValueError(f"not SIP: {first[:40]!r}")
        headers = []
        for line in lines:
            name, _, value = line.partition(":")
            lower = name.strip().lower()
            headers.append((_SHORT.get(lower, lower), value.strip()))
        return cls(first, headers, body)

    def render(self) -> bytes:
        """The datagram; Content-Length is added."""
        body = self.body.encode("utf-8", "surrogateescape")
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers), f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body

    @property
    def code(self) -> int:
        """Of an answer; 0 of a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        """What is asked, or of an answer: what was asked."""
        return self.get("cseq").split()[-1] if self.code else self.first.split()[0]

    def get(self, name: str) -> str:
        """The first value of a header, ``""`` if absent."""
        return next((value for found, value in self.headers if found.lower() == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for found, value in self.headers if found.lower() == name]

    @property
    def branch(self) -> str:
        """Names the transaction."""
        return self.get("via").partition("branch=")[2].partition(";")[0]


def tag_of(header: str) -> str:
    """The tag of a From or To header, ``""`` if there is none."""
    found = _TAG.search(header)
    return found[1] if found else ""


def uri_of(header: str) -> str:
    """The address in a From, To or Contact header."""
    found = _URI.search(header)
    return found[1] if found else header.partition(";")[0].strip()


def display_of(header: str) -> str:
    """The display name of a From header as a telephone shows it."""
    found = _DISPLAY.match(header)
    if not found:
        return ""
    return re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]


def sdp(host: str, port: int, version: int) -> str:
    """What our telephones offer and accept: A-law and telephone events."""
    lines = (
        "v=0",
        f"o=- 1 {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 8 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
    )
    return "\r\n".join(lines) + "\r\n"


def sound_address(body: str) -> tuple[str, int] | None:
    """Where the other side wants its RTP."""
    port = re.search(r"^m=audio (\d+)", body, re.MULTILINE)
    host = re.search(r"^c=IN IP4 (\S+)", body, re.MULTILINE)
    return (host[1], int(port[1])) if port and host and port[1] != "0" else None
