"""A telephone without sound of its own: it joins a call that arrives to another that arrives, each with the other's description.

The switch is at both ends, so that a leg of it can be the machine at the far end of its own trunk: sound, and T.38 after a re-INVITE, go
straight from leg to leg.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tests.live.telephone.call import Call, Place
from tests.live.telephone.message import Message
from tests.live.telephone.phone import SipPhone
from tests.live.telephone.stream import RtpStream


class JoinedCall(Call):
    """One of the two calls. What the switch asks within it is asked of the other, and answered as that one is."""

    def __init__(self, place: Place, send: Any, invite: Message) -> None:
        super().__init__(place, self._note_and_send, RtpStream(0), invite, is_ours=False)
        self.other: JoinedCall | None = None
        self._out = send
        self._asked: tuple[JoinedCall, Message] | None = None
        self._via = ""

    def join(self, other: JoinedCall) -> None:
        """Answer both."""
        self.other, other.other = other, self
        for one, far in ((self, other), (other, self)):
            one.answered_at = one.began_at
            one.reply(one.invite, 200, far.invite.body)
            one.answered.set()

    def asked(self, request: Message) -> None:
        """Theirs within the call."""
        if request.method == "INVITE" and self.other is not None:
            self.reply(request, 100)
            self.other.ask(self, request)
            return
        super().asked(request)
        if request.method == "BYE" and self.other is not None:
            self.other.leave()

    def ask(self, asker: JoinedCall, request: Message) -> None:
        """Ask what the other side asks; the answer goes back to ``asker``."""
        self._asked = (asker, request)
        self._request("INVITE", body=request.body, kind="application/sdp")

    def told(self, answer: Message) -> None:
        """Their answer to what was asked."""
        if answer.method != "INVITE" or answer.code < 200 or self._asked is None:
            return
        (asker, request), self._asked = self._asked, None
        self._acknowledge(answer)
        asker.reply(request, answer.code, answer.body if answer.code == 200 else "")

    def leave(self) -> None:
        """Hang up."""
        if not self.is_over:
            self._request("BYE")
            self._finish("hung up")

    def _acknowledge(self, answer: Message) -> None:
        serial = answer.get("cseq").split()[0]
        if answer.code == 200:
            self._request("ACK", serial)
            return
        headers = [
            ("Via", self._via),
            ("From", answer.get("from")),
            ("To", answer.get("to")),
            ("Call-ID", self.call_id),
        ]
        headers += [("CSeq", f"{serial} ACK"), ("Max-Forwards", "70")]
        self._out(Message(f"ACK {self._target} SIP/2.0", headers), self.place.peer)

    def _note_and_send(self, message: Message, to: tuple[str, int]) -> None:
        if not message.code and message.method == "INVITE":
            self._via = message.get("via")
        self._out(message, to)


class Relay(SipPhone):
    """Takes calls and leaves them ringing until they are joined."""

    def __init__(self, user: str, peer: tuple[str, int]) -> None:
        super().__init__(user, peer, 0)
        self.arrived: asyncio.Queue[JoinedCall] = asyncio.Queue()

    @property
    def address(self) -> str:
        """Where it takes calls: host:port."""
        return f"{self._host}:{self._port}"

    def _meet(self, message: Message, sender: tuple[str, int]) -> None:
        if message.method != "INVITE" or message.code:
            return
        call = JoinedCall(Place(self._host, self._port, self.user, sender), self._send, message)
        self.calls.append(call)
        call.reply(message, 100)
        call.ring()
        self.arrived.put_nowait(call)
