"""Faxes in the spool: the paper as it is drawn, beside it the number it goes to, and nothing left when it is over.

Both are the customer's. The paper can be read by the group of the folder, which is the switch's; the number by ivr alone. They are
here and not on a topic, since what is on a topic stays there for days.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import structlog

from ipcc.clock import Clock
from ipcc.errors import Invalid
from services.ivr.core.statement import Statement
from services.ivr.paper import Drawer
from services.ivr.synthesis import PASSING

log = structlog.get_logger(__name__)

FOLDER = "fax/out"
SWEEP_EVERY_S = 600.0
# a fax on the caller's own line, and a text that is said, are over long before
OLD_SPEECH_S = 1800.0


@dataclass(frozen=True)
class FaxFiles:
    """The files of faxes by their id. ``spool`` is the switch's spool; what is older than ``old_s`` nobody needs any more."""

    spool: Path
    drawer: Drawer
    clock: Clock
    old_s: float

    def paper(self, fax_id: str) -> Path:
        """Where the paper lies, as the switch sees it too."""
        return (self.spool / FOLDER / f"{fax_id}.tif").absolute()

    async def draw(self, fax_id: str, statement: Statement) -> str:
        """Empty when the paper is there, else the code of the reason."""
        try:
            await asyncio.to_thread(self.drawer.write, statement, self.paper(fax_id))
        except Invalid as error:
            log.error("fax_not_drawn", code=error.code, reason=error.message)
            return error.code
        except OSError as error:
            log.error("fax_not_drawn", code="fax.spool", reason=error.strerror)
            return "fax.spool"
        return ""

    def keep_number(self, fax_id: str, number: str) -> str:
        """Lay it beside the paper. Empty when it is there, else the code of the reason."""
        try:
            path = self._number(fax_id)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(number)
        except OSError as error:
            log.error("fax_not_drawn", code="fax.spool", reason=error.strerror)
            return "fax.spool"
        return ""

    def number(self, fax_id: str) -> str:
        """Where it goes; empty when that, or the paper, is no longer there."""
        try:
            return self._number(fax_id).read_text() if self.paper(fax_id).is_file() else ""
        except OSError:
            return ""

    def remove(self, fax_id: str) -> None:
        """Nothing of it is left; what cannot be removed now, ``sweep`` tries again."""
        _remove(self._number(fax_id))
        _remove(self.paper(fax_id))

    async def sweep(self) -> None:
        """For ever: remove what a replica that died has left, papers and texts that were being said, once nobody can need them."""
        while True:
            await asyncio.to_thread(self._remove_old, self.clock.now().timestamp())
            await self.clock.sleep(SWEEP_EVERY_S)

    def _remove_old(self, now: float) -> None:
        for folder, old_s in ((FOLDER, self.old_s), (PASSING, OLD_SPEECH_S)):
            for path in (self.spool / folder).glob("*"):
                try:
                    is_old = path.stat().st_mtime < now - old_s
                except FileNotFoundError:
                    continue
                if is_old:
                    log.warning("fax_left_behind", file=path.name)
                    _remove(path)

    def _number(self, fax_id: str) -> Path:
        return self.spool / FOLDER / f"{fax_id}.to"


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.error("fax_not_removed", file=path.name, reason=error.strerror)
