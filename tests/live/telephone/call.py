"""One call of a telephone, from either end: what was sent and received in its dialogue."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from tests.live.telephone.message import Message, sdp, sound_address, tag_of, uri_of
from tests.live.telephone.stream import RtpStream

KEY_MS = 100
ANSWER_S = 5.0
Send = Callable[[Message, tuple[str, int]], None]
PHRASES = {
    180: "Ringing",
    200: "OK",
    404: "Not Found",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    603: "Decline",
}


@dataclass(frozen=True)
class Place:
    """Where a telephone is: its own address and name, and the one it speaks with."""

    host: str
    port: int
    user: str
    peer: tuple[str, int]

    @property
    def contact(self) -> str:
        return f"<sip:{self.user}@{self.host}:{self.port}>"


class Call:
    """A call that began with ``invite``, ours or theirs. Times are of the event loop's clock."""

    def __init__(self, place: Place, send: Send, stream: RtpStream, invite: Message, *, is_ours: bool) -> None:
        self.place = place
        self.stream = stream
        self.invite = invite
        self.is_ours = is_ours
        self.began_at = asyncio.get_running_loop().time()
        self.answered_at: float | None = None
        self.is_ringing = False
        self.answered = asyncio.Event()
        self.over = asyncio.Event()
        self._key_taken = asyncio.Event()
        self.end = ""
        """How it ended: ``hung up`` (by us), ``bye``, ``cancelled``, ``refused`` and the code."""
        self.reason = ""
        """The Reason header of a CANCEL or BYE."""
        self._send = send
        self._tag = tag_of(invite.get("from")) if is_ours else secrets.token_hex(4)
        self._remote = invite.get("to") if is_ours else invite.get("from")
        self._target = invite.first.split()[1] if is_ours else uri_of(invite.get("contact"))
        self._serial = random.randrange(100, 900)
        self._sound_port = 0

    @property
    def call_id(self) -> str:
        """The Call-ID header."""
        return self.invite.get("call-id")

    @property
    def is_over(self) -> bool:
        return self.over.is_set()

    # --- theirs -----------------------------------------------------------------------------------------------------

    def ring(self) -> None:
        """180."""
        self.is_ringing = True
        self.reply(self.invite, 180)

    async def answer(self) -> None:
        """200 with our sound."""
        self._sound_port = await self.stream.open(self.place.host)
        if self.is_over:
            await self.stream.close()
            return
        self.stream.talk_to(sound_address(self.invite.body))
        self.answered_at = asyncio.get_running_loop().time()
        self.reply(self.invite, 200, sdp(self.place.host, self._sound_port, 1))
        self.answered.set()

    def refuse(self, code: int) -> None:
        """End it before it was answered."""
        self.reply(self.invite, code)
        self._finish(f"refused {code}")

    def reply(self, request: Message, code: int, body: str = "") -> None:
        """Answer a request of this call."""
        to = request.get("to")
        if code > 100 and not tag_of(to):
            to += f";tag={self._tag}"
        headers = [("Via", via) for via in request.all("via")]
        headers += [("Record-Route", route) for route in request.all("record-route")]
        headers += [("From", request.get("from")), ("To", to), ("Call-ID", self.call_id), ("CSeq", request.get("cseq"))]
        headers.append(("Contact", self.place.contact))
        if body:
            headers.append(("Content-Type", "application/sdp"))
        self._send(Message(f"SIP/2.0 {code} {PHRASES.get(code, 'Because')}", headers, body), self.place.peer)

    def asked(self, request: Message) -> None:
        """A request of theirs within the call."""
        match request.method:
            case "CANCEL" if self.answered_at is None:
                self.reply(request, 200)
                self.reply(self.invite, 487)
                self._finish("cancelled", request.get("reason"))
            case "BYE":
                self.reply(request, 200)
                self._finish("bye", request.get("reason"))
            case "INVITE":  # hold, resume, session timer: accepted as it comes
                self.stream.talk_to(sound_address(request.body))
                self.reply(request, 200, sdp(self.place.host, self._sound_port, 2))
            case "ACK":
                pass
            case _:
                self.reply(request, 200)

    # --- ours -------------------------------------------------------------------------------------------------------

    def told(self, answer: Message) -> None:
        """An answer of theirs to a request of ours."""
        if answer.method == "INFO":
            self._key_taken.set()
        if answer.method != "INVITE" or answer.code < 180:
            return
        if answer.code < 200:
            self.is_ringing = True
            return
        if answer.code == 200:
            self._remote = answer.get("to")
            self._target = uri_of(answer.get("contact")) or self._target
            self._request("ACK", self.invite.get("cseq").split()[0])
            self.stream.talk_to(sound_address(answer.body))
            if self.answered_at is None:
                self.answered_at = asyncio.get_running_loop().time()
            self.answered.set()
            return
        ack = [("Via", self.invite.get("via")), ("From", self.invite.get("from")), ("To", answer.get("to"))]
        ack += [("Call-ID", self.call_id), ("CSeq", self.invite.get("cseq").split()[0] + " ACK")]
        self._send(Message(f"ACK {self._target} SIP/2.0", [*ack, ("Max-Forwards", "70")]), self.place.peer)
        self._finish(f"refused {answer.code}")

    async def hang_up(self) -> None:
        """End it from here: BYE, CANCEL, or a refusal."""
        if self.is_over:
            return
        if self.answered_at is not None:
            self._request("BYE")
            self._finish("hung up")
        elif self.is_ours:
            same = ("via", "from", "to", "call-id")
            headers = [(name, value) for name, value in self.invite.headers if name.lower() in same]
            headers += [("CSeq", self.invite.get("cseq").split()[0] + " CANCEL"), ("Max-Forwards", "70")]
            self._send(Message(f"CANCEL {self._target} SIP/2.0", headers), self.place.peer)
            self._finish("hung up")
        else:
            self.refuse(486)
        await self.stream.close()

    async def press(self, digits: str) -> None:
        """Key digits by SIP INFO, one after the other."""
        for digit in digits:
            body = f"Signal={digit}\r\nDuration={KEY_MS}\r\n"
            self._key_taken.clear()
            self._request("INFO", body=body, kind="application/dtmf-relay")
            await asyncio.wait_for(self._key_taken.wait(), ANSWER_S)

    def _request(self, method: str, serial: str = "", body: str = "", kind: str = "") -> None:
        self._serial += 1
        own = self.invite.get("from") if self.is_ours else f"{self.invite.get('to')};tag={self._tag}"
        headers = [
            ("Via", f"SIP/2.0/UDP {self.place.host}:{self.place.port};rport;branch=z9hG4bK{secrets.token_hex(6)}"),
            ("From", own),
            ("To", self._remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{serial or 1000 + self._serial} {method}"),
            ("Contact", self.place.contact),
            ("Max-Forwards", "70"),
        ]
        if body:
            headers.append(("Content-Type", kind))
        self._send(Message(f"{method} {self._target} SIP/2.0", headers, body), self.place.peer)

    def _finish(self, end: str, reason: str = "") -> None:
        if not self.is_over:
            self.end, self.reason = end, reason
            self.over.set()
