"""Faxes on their way: drawn into the spool, sent by the switch (mod_spandsp, T.38 or audio), and removed, whatever became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from ipcc.clock import Clock
from ipcc.contracts import tags
from ipcc.contracts.config import DialRule
from ipcc.errors import Invalid, NotAllowed, SwitchDown, SwitchRefused
from ipcc.esl.commands import Originate, UuidKill
from ipcc.esl.dialstring import Gateway
from ipcc.esl.headers import EventName, Subclass
from ipcc.esl.port import LegGoneError, Switches, SwitchNode
from ipcc.esl.wire import SwitchEvent
from ipcc.ids import LegId, NodeId, new_id
from ipcc.metrics import IVR_FAXES, Metrics
from services.ivr.core.actions import Faxed, SendFax
from services.ivr.core.fax_numbers import fax_route
from services.ivr.core.session import Session
from services.ivr.core.statement import Statement, written
from services.ivr.core.steps import Language
from services.ivr.paper import Drawer
from services.ivr.ports import Line, LineLost
from services.ivr.synthesis import PASSING

log = structlog.get_logger(__name__)

# a page takes some twenty seconds, a slow machine a minute; nobody's statement is longer than its most rows
LONGEST_FAX_S = 900.0
# the result is told together with the end of the leg (15d)
RESULT_S = 2.0
GRACE_S = 5.0
SWEEP_EVERY_S = 600.0
FOLDER = "fax/out"
_SENT = "1"
# spandsp's T30_ERR_T0_EXPIRED and T30_ERR_T1_EXPIRED (measured: 2); a far end that hangs up is 49
_NO_FAX, _DROPPED = frozenset({"2", "3"}), "49"
_HOW_NOT = {"USER_BUSY": "busy", "NO_ANSWER": "no_answer", "NO_USER_RESPONSE": "no_answer"}
_LONGEST_REASON = 80


async def transmit(node: SwitchNode, leg: LegId, path: str) -> Faxed:
    """Send the TIFF file on a watched leg. A machine hangs up as soon as it has everything: that is not the end of the result.

    Raises SwitchDown (what arrived is unknown) and SwitchRefused.
    """
    heard: asyncio.Future[SwitchEvent] = asyncio.get_running_loop().create_future()

    def note(event: SwitchEvent) -> None:
        is_result = event.name == EventName.CUSTOM and event.subclass == Subclass.FAX_SENT
        if is_result and event.uuid == leg and not heard.done():
            heard.set_result(event)

    unlisten = node.listen(note)
    try:
        try:
            ended = await node.execute(leg, "txfax", path, timeout=LONGEST_FAX_S)
        except LegGoneError:
            await asyncio.wait({heard}, timeout=RESULT_S)
            return _read(heard.result()) if heard.done() else Faxed("dropped")
        return _read(heard.result()) if heard.done() else Faxed("failed", reason=ended.response[:_LONGEST_REASON])
    finally:
        unlisten()


def _read(event: SwitchEvent) -> Faxed:
    pages = event.get("fax-document-transferred-pages")
    code = event.get("fax-result-code")
    reason = f"{code} {event.get('fax-result-text')}"[:_LONGEST_REASON]
    outcome = "sent" if event.get("fax-success") == _SENT else "no_fax" if code in _NO_FAX else "failed"
    return Faxed("dropped" if code == _DROPPED else outcome, int(pages) if pages.isdecimal() else 0, reason)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        # the sweep tries again
        log.error("fax_not_removed", file=path.name, reason=error.strerror)


@dataclass(frozen=True)
class FaxDesk:
    """The port Faxes. ``spool`` is the switch's spool, ``caller_number`` is shown to the machine that is called."""

    switches: Switches
    drawer: Drawer
    spool: Path
    rules: Callable[[], Sequence[DialRule]]
    caller_number: str
    clock: Clock
    metrics: Metrics

    async def send(self, session: Session, line: Line, wanted: SendFax) -> Faxed:
        """See the port."""
        path = (self.spool / FOLDER / f"{new_id()}.tif").absolute()
        try:
            done = await self._send(session, line, wanted, path)
        except SwitchDown as error:
            log.warning("fax_lost_from_sight", call_id=session.call_id, error=str(error))
            done = Faxed("unknown", reason="switch.down")
        except LineLost:
            done = Faxed("dropped")
        finally:
            _remove(path)
        self.metrics.count(IVR_FAXES, outcome=done.outcome)
        log.info("fax_done", call_id=session.call_id, outcome=done.outcome, pages=done.pages, reason=done.reason)
        return done

    async def _send(self, session: Session, line: Line, wanted: SendFax, path: Path) -> Faxed:
        try:
            route = fax_route(wanted.number, self.rules()) if wanted.number else None
        except (Invalid, NotAllowed) as error:
            return Faxed("refused", reason=error.code)
        if wanted.pause_s:
            await self.clock.sleep(wanted.pause_s)
        moment = self.clock.now().astimezone().strftime("%Y-%m-%d %H:%M")
        language: Language = "en" if session.language == "en" else "zh"
        statement = written(wanted.layout, wanted.known, language, moment)
        if reason := await self._draw(statement, path):
            return Faxed("not_drawn", reason=reason)
        if route is None:
            return await line.fax(str(path))
        node = self.switches.node(NodeId(session.node_id))
        return await self._dial(node, Gateway(route.gateway, route.number), str(path), wanted.ring_s)

    async def _draw(self, statement: Statement, path: Path) -> str:
        """Empty when it is there, else the code of the reason."""
        try:
            await asyncio.to_thread(self.drawer.write, statement, path)
        except Invalid as error:
            log.error("fax_not_drawn", code=error.code, reason=error.message)
            return error.code
        except OSError as error:
            log.error("fax_not_drawn", code="fax.spool", reason=error.strerror)
            return "fax.spool"
        return ""

    async def _dial(self, node: SwitchNode, to: Gateway, path: str, ring_s: int) -> Faxed:
        """A call of its own: it shows as one in every report, and the caller's own leg is not touched."""
        leg = LegId(new_id())
        command = Originate(
            endpoint=to,
            leg_id=leg,
            caller_number=self.caller_number,
            timeout_s=ring_s,
            variables={
                tags.CALL_ID: leg,
                tags.ROLE: tags.LegRole.CUSTOMER.value,
                tags.OWNER: "ivr",
                # should we die, the switch ends it
                "park_timeout": str(int(GRACE_S)),
            },
        )
        await node.watch(leg)
        try:
            await node.job(command, timeout=ring_s + GRACE_S)
            return await transmit(node, leg, path)
        except LegGoneError:
            return Faxed("dropped")
        except SwitchRefused as error:
            cause = error.cause or ""
            return Faxed(_HOW_NOT.get(cause, "failed"), reason=cause)
        finally:
            await self._end(node, leg)

    async def _end(self, node: SwitchNode, leg: LegId) -> None:
        try:
            await node.api(UuidKill(leg))
        except (SwitchRefused, SwitchDown):
            log.debug("fax_leg_gone", leg_id=leg)
        await node.unwatch(leg)

    async def sweep(self) -> None:
        """For ever: remove what a replica that died in the middle has left, papers and texts that were being said, once nobody
        can still need them."""
        while True:
            await asyncio.to_thread(self._remove_old)
            await self.clock.sleep(SWEEP_EVERY_S)

    def _remove_old(self) -> None:
        oldest = self.clock.now().timestamp() - 2 * LONGEST_FAX_S
        for path in (*(self.spool / FOLDER).glob("*"), *(self.spool / PASSING).glob("*")):
            try:
                is_old = path.stat().st_mtime < oldest
            except FileNotFoundError:
                continue
            if is_old:
                log.warning("fax_left_behind", file=path.name)
                _remove(path)
