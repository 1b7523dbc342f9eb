"""A telephone on one UDP port: registers, makes calls, and meets those that arrive as its script says."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import cast

from ipcc.sim.people import PhoneScript
from ipcc.tasks import Tasks
from tests.live.telephone.call import Call, Place
from tests.live.telephone.digest import Credentials, authorization
from tests.live.telephone.message import Message, sdp
from tests.live.telephone.stream import RtpStream

ANSWER_S = 5.0


class SipPhone(asyncio.DatagramProtocol):
    """``hertz`` is the voice of whoever speaks into it. ``script`` says what it does when called (None: it is dead)."""

    def __init__(self, user: str, peer: tuple[str, int], hertz: int, script: PhoneScript | None = None) -> None:
        self.user = user
        self.script = script
        self.calls: list[Call] = []
        self.on_invite: Callable[[Call], None] | None = None
        self._peer = peer
        self._hertz = hertz
        self._transport: asyncio.DatagramTransport | None = None
        self._is_closed = asyncio.Event()
        self._tasks = Tasks()
        self._host, self._port = "127.0.0.1", 0
        self._sent: dict[tuple[str, str], bytes] = {}
        self._registering: asyncio.Future[Message] | None = None
        self._registration = secrets.token_hex(8)
        self._serial = 0

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Take a port; 0 takes a free one."""
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(host, port))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self._host, self._port = transport.get_extra_info("sockname")[:2]

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closed.set()

    async def close(self) -> None:
        """Hang up what is left and free the port: when this returns another may take it."""
        await self._tasks.stop()
        for call in self.calls:
            await call.hang_up()
            await call.stream.close()
        if self._transport:
            self._transport.close()
            await self._is_closed.wait()

    # --- ours -------------------------------------------------------------------------------------------------------

    async def register(self, who: Credentials, domain: str, expires_s: int = 120) -> int:
        """Sign on, or off with 0 seconds; the code of the switch's answer."""
        uri, authorized = f"sip:{domain}", ""
        tag = secrets.token_hex(4)
        for _ in range(3):
            self._serial += 1
            headers = [
                ("Via", f"SIP/2.0/UDP {self._host}:{self._port};rport;branch=z9hG4bK{secrets.token_hex(6)}"),
                ("From", f"<sip:{self.user}@{domain}>;tag={tag}"),
                ("To", f"<sip:{self.user}@{domain}>"),
                ("Call-ID", self._registration),
                ("CSeq", f"{self._serial} REGISTER"),
                ("Contact", f"<sip:{self.user}@{self._host}:{self._port}>"),
                ("Expires", str(expires_s)),
                ("Max-Forwards", "70"),
            ]
            if authorized:
                headers.append(("Authorization", authorized))
            self._registering = asyncio.get_running_loop().create_future()
            self._send(Message(f"REGISTER {uri} SIP/2.0", headers), self._peer)
            answer = await asyncio.wait_for(self._registering, ANSWER_S)
            if answer.code != 401:
                return answer.code
            authorized = authorization(who, answer.get("www-authenticate"), "REGISTER", uri, secrets.token_hex(4))
        return 401

    async def call(self, dialled: str, number: str, name: str = "") -> Call:
        """Call a number through the peer; ``name`` is put between double quotes as it is."""
        stream = RtpStream(self._hertz)
        port = await stream.open(self._host)
        host, peer_port = self._peer
        display = f'"{name}" ' if name else ""
        headers = [
            ("Via", f"SIP/2.0/UDP {self._host}:{self._port};rport;branch=z9hG4bK{secrets.token_hex(6)}"),
            ("From", f"{display}<sip:{number}@{host}>;tag={secrets.token_hex(4)}"),
            ("To", f"<sip:{dialled}@{host}>"),
            ("Call-ID", secrets.token_hex(10)),
            ("CSeq", "1 INVITE"),
            ("Contact", f"<sip:{number}@{self._host}:{self._port}>"),
            ("Max-Forwards", "70"),
            ("Content-Type", "application/sdp"),
        ]
        invite = Message(f"INVITE sip:{dialled}@{host}:{peer_port} SIP/2.0", headers, sdp(self._host, port, 1))
        call = Call(Place(self._host, self._port, number, self._peer), self._send, stream, invite, is_ours=True)
        self.calls.append(call)
        self._send(invite, self._peer)
        return call

    # --- theirs -----------------------------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        with contextlib.suppress(ValueError):
            self._take(Message.parse(data), addr)

    def _take(self, message: Message, sender: tuple[str, int]) -> None:
        if message.code and message.method == "REGISTER":
            if self._registering and not self._registering.done():
                self._registering.set_result(message)
            return
        repeated = self._sent.get((message.branch, message.method)) if not message.code else None
        if repeated and self._transport:
            self._transport.sendto(repeated, sender)
            return
        call = next((call for call in self.calls if call.call_id == message.get("call-id")), None)
        if call is None:
            self._meet(message, sender)
        elif message.code:
            call.told(message)
        else:
            call.asked(message)

    def _meet(self, message: Message, sender: tuple[str, int]) -> None:
        if message.method != "INVITE" or message.code or self.script is None or self.script.unreachable:
            return
        place = Place(self._host, self._port, self.user, sender)
        call = Call(place, self._send, RtpStream(self._hertz), message, is_ours=False)
        self.calls.append(call)
        if self.on_invite:
            self.on_invite(call)
        self._tasks.once("meet", self._follow(call, self.script))

    async def _follow(self, call: Call, script: PhoneScript) -> None:
        """Do as the script says, unless the call ends first."""
        call.reply(call.invite, 100)
        if await _over_within(call, script.ring_after_s or 0):
            return
        call.ring()
        if script.refuse is not None:
            if not await _over_within(call, script.refuse_after_s):
                call.refuse(script.refuse)
            return
        if script.answer_after_s is None or await _over_within(
            call, script.answer_after_s - (script.ring_after_s or 0)
        ):
            return
        await call.answer()
        if script.hang_up_after_s is not None and not await _over_within(call, script.hang_up_after_s):
            await call.hang_up()
        await call.over.wait()
        await call.stream.close()

    def _send(self, message: Message, to: tuple[str, int]) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        data = message.render()
        if message.code >= 200:
            self._sent[(message.branch, message.method)] = data
        self._transport.sendto(data, to)


async def _over_within(call: Call, seconds: float) -> bool:
    """Whether the call ends before so much time has passed."""
    if seconds <= 0:
        return call.is_over
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await call.over.wait()
    return call.is_over
