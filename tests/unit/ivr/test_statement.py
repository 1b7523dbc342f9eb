"""The paper that is faxed: what stands on it, and how it is drawn."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont, ImageSequence

from ipcc.errors import Invalid
from services.ivr.app import fax_letters
from services.ivr.catalogue import FlowStore
from services.ivr.core.statement import MOST_ROWS, Column, Fact, Layout, written
from services.ivr.fonts import FontFile, find_font
from services.ivr.paper import DPI, HEIGHT, MARGIN, TITLE_PX, WIDTH, Drawer

CHINESE = find_font(None)
needs_chinese = pytest.mark.skipif(CHINESE is None, reason="needs Debian's fonts-wqy-microhei or fonts-noto-cjk")
CARD = "6222000000000017"
LAYOUT = Layout(
    title={"zh": "银行卡交易明细", "en": "Entries of the card"},
    facts=(Fact(label={"zh": "卡号", "en": "Card"}, value="card_no", shown_as="tail"),),
    rows="rows",
    columns=(
        Column(heading={"zh": "日期", "en": "Date"}),
        Column(heading={"zh": "金额", "en": "Amount"}, is_number=True),
    ),
)


def rows(count: int) -> str:
    return ";".join(f"2026-03-{1 + n % 28:02d} {n}.00" for n in range(count))


def test_a_card_s_tail_is_all_that_is_taken_of_it() -> None:
    known = LAYOUT.picked({"card_no": CARD, "rows": rows(1), "pin": "1234"}.get)
    assert known == {"card_no": "0017", "rows": rows(1)}
    paper = written(LAYOUT, known, "en", "2026-03-02 10:00")
    assert paper.facts == (("Card", "****0017"), ("Printed at", "2026-03-02 10:00"))


def test_rows_too_short_are_filled_up_and_what_has_no_room_is_cut() -> None:
    known = {"card_no": "0017", "rows": f"2026-03-01;2026-03-02 5.00 EUR more;2026-03-03 {'9' * 99};{rows(300)}"}
    paper = written(LAYOUT, known, "zh", "")
    assert paper.rows[0] == ["2026-03-01", ""]
    assert paper.rows[1] == ["2026-03-02", "5.00"]
    assert len(paper.rows[2][1]) == 40
    assert len(paper.rows) == MOST_ROWS


def test_a_paper_without_rows_says_so() -> None:
    assert written(LAYOUT, {"rows": ""}, "en", "").note == "no entries"
    assert written(LAYOUT, {"rows": ""}, "zh", "").note == "没有记录"


def test_a_paper_shows_nothing_of_a_customer_when_it_is_printed_in_a_log() -> None:
    paper = written(LAYOUT, {"card_no": "0017", "rows": "2026-03-01 987.65"}, "en", "")
    assert "987.65" not in repr(paper)
    assert "0017" not in repr(paper)


def test_it_is_drawn_as_a4_pages_of_a_fine_fax_and_is_nobody_else_s_to_read(tmp_path: Path) -> None:
    path = tmp_path / "fax" / "a.tif"
    pages = Drawer().write(written(LAYOUT, {"card_no": "0017", "rows": rows(90)}, "en", "now"), path)
    with Image.open(path) as image:
        frames = [frame.copy() for frame in ImageSequence.Iterator(image)]
        assert image.info["compression"] == "group4"
        assert tuple(round(float(one)) for one in image.info["dpi"]) == DPI
    assert pages == len(frames) == 3
    assert {frame.size for frame in frames} == {(WIDTH, HEIGHT)}
    assert all(frame.mode == "1" and frame.getextrema() == (0, 255) for frame in frames)
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_every_row_is_on_the_paper(tmp_path: Path) -> None:
    """Each of the rows leaves ink in its own place: the last page of 91 rows has one more line of it than that of 90."""
    inked = []
    for count in (90, 91):
        path = tmp_path / f"{count}.tif"
        Drawer().write(written(LAYOUT, {"rows": rows(count)}, "en", "now"), path)
        with Image.open(path) as image:
            image.seek(2)
            data = image.convert("L").tobytes()
        # the foot of the page stands below all rows
        inked.append(sum(min(data[y * WIDTH : (y + 1) * WIDTH]) == 0 for y in range(HEIGHT - 120)))
    assert inked[1] > inked[0] + 15


def test_a_font_without_the_letters_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        Drawer().write(written(LAYOUT, {"rows": rows(1)}, "zh", "now"), tmp_path / "a.tif")
    assert refused.value.code == "fax.glyphs"
    with pytest.raises(Invalid) as missing:
        Drawer(FontFile(tmp_path / "none.ttf")).write(
            written(LAYOUT, {"rows": rows(1)}, "en", "now"), tmp_path / "a.tif"
        )
    assert missing.value.code == "fax.font"
    assert list(tmp_path.iterdir()) == []


@needs_chinese
def test_chinese_is_drawn_with_the_font_that_is_found(tmp_path: Path) -> None:
    """Letter by letter as the font has it: each in its own place of the title, none a box, and no two alike."""
    path = tmp_path / "a.tif"
    assert Drawer(CHINESE).write(written(LAYOUT, {"card_no": "0017", "rows": rows(3)}, "zh", "now"), path) == 1
    with Image.open(path) as image:
        page = image.convert("L")
    cells = [
        page.crop((MARGIN + n * TITLE_PX, MARGIN, MARGIN + (n + 1) * TITLE_PX, MARGIN + TITLE_PX + 12)).tobytes()
        for n in range(len(LAYOUT.title["zh"]))
    ]
    inked = [sum(1 for dot in cell if dot == 0) / len(cell) for cell in cells]
    assert all(0.08 < share < 0.6 for share in inked)
    assert len(set(cells)) == len(cells) == 7
    likeness = [unlike(cells[0], drawn_alone(letter)) for letter in LAYOUT.title["zh"]]
    assert likeness[0] < 0.1
    assert min(likeness[1:]) > 0.15


def unlike(one: bytes, other: bytes) -> float:
    """The share of the dots that differ."""
    return sum(a != b for a, b in zip(one, other, strict=True)) / len(one)


def drawn_alone(letter: str) -> bytes:
    """That letter of the font, where the title of a paper begins."""
    assert CHINESE is not None
    font = ImageFont.truetype(str(CHINESE.path), TITLE_PX, CHINESE.face)
    sheet = Image.new("1", (TITLE_PX, TITLE_PX + 12), 1)
    ImageDraw.Draw(sheet).text((0, 0), letter, font=font, fill=0)
    return sheet.convert("L").tobytes()


@needs_chinese
def test_the_papers_of_all_published_flows_can_be_drawn_with_the_font_that_is_found() -> None:
    letters = fax_letters(FlowStore.read(Path("flows")).all())
    assert "银" in letters
    assert "打" in letters
    assert Drawer(CHINESE).lack(letters) == ""


def test_a_font_that_lacks_letters_is_complained_of_before_a_customer_meets_it(tmp_path: Path) -> None:
    why = Drawer().lack(frozenset("Date 日期"))
    assert "日期" in why
    assert "fonts-wqy-microhei" in why
    assert Drawer().lack(frozenset("Date 0.00")) == ""
    assert "none.ttf: install a font" in Drawer(FontFile(tmp_path / "none.ttf")).lack(frozenset("a"))


def test_the_font_of_the_setting_comes_first_and_else_the_first_that_is_there(tmp_path: Path) -> None:
    there = tmp_path / "b.ttc"
    there.touch()
    places = (FontFile(tmp_path / "a.ttc"), FontFile(there, 2), FontFile(there))
    assert find_font(None, places) == FontFile(there, 2)
    assert find_font(None, places[:1]) is None
    assert find_font(tmp_path / "mine.ttf", places) == FontFile(tmp_path / "mine.ttf")
