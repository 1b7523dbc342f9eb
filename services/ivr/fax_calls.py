"""The switch's part of a fax: txfax on a leg (mod_spandsp, T.38 where the far end has it, else audio), and calls to fax machines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from ipcc.clock import Clock
from ipcc.contracts import tags
from ipcc.contracts.config import DialRule
from ipcc.errors import Invalid, NotAllowed, SwitchDown, SwitchRefused
from ipcc.esl.commands import Originate, UuidKill, UuidSetVar
from ipcc.esl.dialstring import Gateway
from ipcc.esl.headers import EventName, Subclass
from ipcc.esl.port import LegGoneError, SwitchNode
from ipcc.esl.wire import SwitchEvent
from ipcc.ids import LegId
from ipcc.metrics import IVR_FAXES, Metrics
from services.ivr.core.actions import Faxed
from services.ivr.core.fax_numbers import fax_route

log = structlog.get_logger(__name__)

# a page takes some twenty seconds, a slow machine a minute; nobody's statement is longer than its most rows
LONGEST_FAX_S = 900.0
# the result is told together with the end of the leg (15d)
RESULT_S = 2.0
GRACE_S = 5.0
LOOK_S = 1.0
_SENT = "1"
# spandsp's T30_ERR_T0_EXPIRED and T30_ERR_T1_EXPIRED (measured: 2); a far end that hangs up is 49
_NO_FAX, _DROPPED = frozenset({"2", "3"}), "49"
_WRONG = ("UNALLOCATED_NUMBER", "INVALID_NUMBER_FORMAT", "NUMBER_CHANGED", "NO_ROUTE_DESTINATION")
_HOW_NOT = {
    "USER_BUSY": "busy",
    "NO_ANSWER": "no_answer",
    "NO_USER_RESPONSE": "no_answer",
    **dict.fromkeys(_WRONG, "wrong_number"),
}
_LONGEST_REASON = 80


async def transmit(node: SwitchNode, leg: LegId, path: str, *, asks_for_t38: bool) -> Faxed:
    """Send the TIFF file on a watched leg. A machine hangs up as soon as it has everything: that is not the end of the result.

    ``asks_for_t38``: not on a caller's own line. His machine asks for it when he presses start, is refused where we do not send yet,
    and goes on as sound; asked for it then, it may never answer. Raises SwitchDown (what arrived is unknown) and SwitchRefused.
    """
    try:
        # without the first on the leg the switch refuses T.38 in either direction, whatever spandsp.conf says
        for name, value in (("fax_enable_t38", "true"), ("fax_enable_t38_request", str(asks_for_t38).lower())):
            await node.api(UuidSetVar(leg, name, value))
    except SwitchRefused:
        return Faxed("dropped")
    with _result_of(node, leg) as heard:
        try:
            ended = await node.execute(leg, "txfax", path, timeout=LONGEST_FAX_S)
        except LegGoneError:
            await asyncio.wait({heard}, timeout=RESULT_S)
            return _read(heard.result()) if heard.done() else Faxed("dropped")
        return _read(heard.result()) if heard.done() else Faxed("failed", reason=ended.response[:_LONGEST_REASON])


@contextmanager
def _result_of(node: SwitchNode, leg: LegId) -> Iterator[asyncio.Future[SwitchEvent]]:
    """What the switch says of a fax on that leg from now on."""
    heard: asyncio.Future[SwitchEvent] = asyncio.get_running_loop().create_future()

    def note(event: SwitchEvent) -> None:
        is_result = event.name == EventName.CUSTOM and event.subclass == Subclass.FAX_SENT
        if is_result and event.uuid == leg and not heard.done():
            heard.set_result(event)

    unlisten = node.listen(note)
    try:
        yield heard
    finally:
        unlisten()


def _read(event: SwitchEvent) -> Faxed:
    pages = event.get("fax-document-transferred-pages")
    code = event.get("fax-result-code")
    reason = f"{code} {event.get('fax-result-text')}"[:_LONGEST_REASON]
    outcome = "sent" if event.get("fax-success") == _SENT else "no_fax" if code in _NO_FAX else "failed"
    return Faxed("dropped" if code == _DROPPED else outcome, int(pages) if pages.isdecimal() else 0, reason)


def count(metrics: Metrics, call_id: str, done: Faxed) -> None:
    """One try is over: for graphs and the log."""
    metrics.count(IVR_FAXES, outcome=done.outcome)
    log.info("fax_done", call_id=call_id, outcome=done.outcome, pages=done.pages, reason=done.reason)


@dataclass(frozen=True)
class FaxCalls:
    """Calls to fax machines, by the dial rules; ``caller_number`` is shown to them."""

    rules: Callable[[], Sequence[DialRule]]
    caller_number: str
    clock: Clock

    def refusal(self, number: str) -> str:
        """Why nothing may be faxed to that number; empty when it may."""
        try:
            fax_route(number, self.rules())
        except (Invalid, NotAllowed) as error:
            return error.code
        return ""

    async def dial(self, node: SwitchNode, leg: LegId, number: str, path: str, ring_s: int) -> Faxed:
        """A call of its own: it shows as one in every report. When this is cancelled the leg stays as it is, for ``follow``.

        Raises SwitchDown: what became of it is for ``follow`` to find.
        """
        try:
            route = fax_route(number, self.rules())
        except (Invalid, NotAllowed) as error:
            return Faxed("refused", reason=error.code)
        command = Originate(
            endpoint=Gateway(route.gateway, route.number),
            leg_id=leg,
            caller_number=self.caller_number,
            timeout_s=ring_s,
            variables={
                tags.CALL_ID: leg,
                tags.ROLE: tags.LegRole.CUSTOMER.value,
                tags.OWNER: "ivr",
                # should we die before it sends, or after, the switch ends it
                "park_timeout": str(int(GRACE_S)),
            },
        )
        await node.watch(leg)
        try:
            await node.job(command, timeout=ring_s + GRACE_S)
            done = await transmit(node, leg, path, asks_for_t38=True)
        except LegGoneError:
            done = Faxed("dropped")
        except SwitchRefused as error:
            cause = error.cause or ""
            done = Faxed(_HOW_NOT.get(cause, "failed"), reason=cause)
        await self._end(node, leg)
        return done

    async def follow(self, node: SwitchNode, leg: LegId) -> Faxed:
        """What becomes of a try begun by another replica, or lost from sight with the link: its result when that is still to come,
        else unknown. After this the leg is gone, so that no two tries run side by side."""
        until = self.clock.now().timestamp() + LONGEST_FAX_S
        with _result_of(node, leg) as heard:
            while not heard.done() and self.clock.now().timestamp() < until:
                if await self._is_gone(node, leg):
                    await asyncio.wait({heard}, timeout=RESULT_S)
                    break
                await asyncio.wait({heard}, timeout=LOOK_S)
            await self._end(node, leg)
            return _read(heard.result()) if heard.done() else Faxed("unknown")

    @staticmethod
    async def _is_gone(node: SwitchNode, leg: LegId) -> bool:
        """False also while the switch cannot be asked."""
        try:
            await node.watch(leg)
            return not await node.exists(leg)
        except (SwitchDown, SwitchRefused):
            return False

    @staticmethod
    async def _end(node: SwitchNode, leg: LegId) -> None:
        try:
            await node.api(UuidKill(leg))
        except (SwitchRefused, SwitchDown):
            log.debug("fax_leg_gone", leg_id=leg)
        await node.unwatch(leg)
