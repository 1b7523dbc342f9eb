"""Draws a statement as a fax sends it: A4 pages at 204 by 196 dots an inch, black and white, CCITT group 4 in one TIFF file.

The switch codes every page anew for the machine at the other end; group 4 keeps the file small. Chinese needs a font that has
it (fonts.py); without one the font that comes with Pillow writes Latin letters and digits.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ipcc.errors import Invalid
from services.ivr.core.statement import Statement
from services.ivr.fonts import ADVICE, FontFile

# T.30: a line of A4 has 1728 dots; 297 mm at 7.7 lines a millimetre
WIDTH, HEIGHT = 1728, 2287
DPI = (204, 196)
MARGIN = 90
TITLE_PX, TEXT_PX = 56, 36
LINE_PX = 58
_NO_SUCH = "\U0010ffff"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Drawer:
    """Draws with one font; None: that of the library, without Chinese."""

    font: FontFile | None = None

    @lru_cache(maxsize=4)  # noqa: B019 - one drawer a process, asked again and again for the same letters
    def lack(self, letters: frozenset[str]) -> str:
        """Why a paper with these letters could not be drawn, in a sentence that says what to do; empty when it could.

        Asked from the start on, so that the first customer who wants one is not who finds out.
        """
        try:
            missing = _missing(self._font(TEXT_PX), letters)
        except Invalid as error:
            return f"{error.message}: {ADVICE}"
        if not missing:
            return ""
        font = self.font.path.name if self.font else "there is no font but Pillow's own, which"
        return f"faxes cannot be drawn: {font} lacks {len(missing)} letters of the flows' papers ({missing[:10]}): {ADVICE}"

    def write(self, statement: Statement, path: Path) -> int:
        """Write the TIFF file, readable for the group the folder belongs to; the number of pages.

        Raises Invalid (``fax.font``, ``fax.glyphs``) when it cannot be written as it stands, OSError where the disk does.
        """
        pages = list(self._pages(statement))
        drawn = io.BytesIO()
        pages[0].save(drawn, format="TIFF", compression="group4", dpi=DPI, save_all=True, append_images=pages[1:])
        path.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb") as file:
            file.write(drawn.getvalue())
        return len(pages)

    def _font(self, size: int) -> Font:
        if self.font is None:
            return ImageFont.load_default(size)
        try:
            return ImageFont.truetype(str(self.font.path), size, self.font.face)
        except OSError as error:
            raise Invalid("fax.font", f"the font for faxes cannot be read: {self.font.path}") from error

    def _pages(self, statement: Statement) -> Iterator[Image.Image]:
        title, text = self._font(TITLE_PX), self._font(TEXT_PX)
        _check_glyphs(text, statement)
        room = (HEIGHT - 2 * MARGIN) // LINE_PX
        first = room - 3 - len(statement.facts)
        parts = [statement.rows[:first], *_chunks(statement.rows[first:], room - 2)]
        for number, rows in enumerate(parts, 1):
            sheet = _Sheet(text, statement)
            if number == 1:
                sheet.head(title)
            sheet.table(rows)
            sheet.foot(f"{number}/{len(parts)}")
            yield sheet.image


class _Sheet:
    """One page being drawn from above."""

    def __init__(self, font: Font, statement: Statement) -> None:
        self.image = Image.new("1", (WIDTH, HEIGHT), 1)
        self._draw = ImageDraw.Draw(self.image)
        self._font = font
        self._statement = statement
        self._y = MARGIN

    def head(self, font: Font) -> None:
        self._draw.text((MARGIN, self._y), self._statement.title, font=font, fill=0)
        self._y += int(1.5 * LINE_PX)
        for label, value in self._statement.facts:
            self._draw.text((MARGIN, self._y), f"{label}: {value}", font=self._font, fill=0)
            self._y += LINE_PX

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        self._row(self._statement.headings)
        self._draw.line((MARGIN, self._y - 6, WIDTH - MARGIN, self._y - 6), fill=0, width=3)
        for row in rows:
            self._row(row)
        if self._statement.note:
            self._row([self._statement.note])

    def foot(self, text: str) -> None:
        self._draw.text((WIDTH // 2, HEIGHT - MARGIN // 2), text, font=self._font, fill=0, anchor="mm")

    def _row(self, cells: Sequence[str]) -> None:
        width = (WIDTH - 2 * MARGIN) // len(self._statement.headings)
        for number, cell in enumerate(cells):
            left = MARGIN + number * width
            if self._statement.is_number[number]:
                self._draw.text((left + width - 20, self._y), cell, font=self._font, fill=0, anchor="ra")
            else:
                self._draw.text((left, self._y), cell, font=self._font, fill=0, anchor="la")
        self._y += LINE_PX


def _chunks(rows: Sequence[Sequence[str]], size: int) -> Iterator[Sequence[Sequence[str]]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _check_glyphs(font: Font, statement: Statement) -> None:
    """A customer must not get boxes where his bank's words should stand."""
    told = [statement.title, statement.note, *statement.headings, *(text for fact in statement.facts for text in fact)]
    letters = {letter for text in (*told, *(cell for row in statement.rows for cell in row)) for letter in text}
    if _missing(font, letters):
        raise Invalid("fax.glyphs", "the font for faxes lacks letters of this statement")


def _missing(font: Font, letters: AbstractSet[str]) -> str:
    """The letters that would be drawn as the font's sign for what it does not have."""
    box = bytes(font.getmask(_NO_SUCH))
    wanted = sorted(letter for letter in letters if not letter.isspace())
    return "".join(letter for letter in wanted if bytes(font.getmask(letter)) == box)
