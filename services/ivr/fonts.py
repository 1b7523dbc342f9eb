"""Which font faxes are written in: the one of the setting, else the first found of those that have Chinese.

No font comes with the product: the good ones have tens of thousands of letters and are kept by the distributions. Debian's
fonts-noto-cjk (SIL OFL 1.1) and fonts-wqy-microhei (Apache-2.0 or GPL-3 with the font exception) are both free for every use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ADVICE = "install a font with Chinese (Debian: fonts-wqy-microhei or fonts-noto-cjk), or name one in IPCC_IVR__FAX_FONT"


@dataclass(frozen=True)
class FontFile:
    """A file, and which of its faces where it is a collection."""

    path: Path
    face: int = 0


def _in(folder: str, name: str, face: int = 0) -> FontFile:
    return FontFile(Path("/usr/share/fonts") / folder / name, face)


# Of the Noto collection the third face is for simplified Chinese; the first, for Japanese, writes some letters in another form.
# A sans-serif face keeps its strokes at the resolution of a fax, so no serif one is listed.
KNOWN_PLACES = (
    _in("opentype/noto", "NotoSansCJK-Regular.ttc", 2),
    _in("google-noto-sans-cjk-fonts", "NotoSansCJK-Regular.ttc", 2),
    _in("google-noto-cjk", "NotoSansCJK-Regular.ttc", 2),
    _in("noto", "NotoSansCJK-Regular.ttc", 2),
    _in("truetype/wqy", "wqy-microhei.ttc"),
    _in("wqy-microhei", "wqy-microhei.ttc"),
    _in("truetype/wqy", "wqy-zenhei.ttc"),
    _in("truetype/droid", "DroidSansFallbackFull.ttf"),
)


def find_font(wanted: Path | None, places: Sequence[FontFile] = KNOWN_PLACES) -> FontFile | None:
    """``wanted`` whatever it is, so that a wrong name is noticed; else the first of ``places`` that is there; None: there is none."""
    if wanted is not None:
        return FontFile(wanted)
    return next((place for place in places if place.path.is_file()), None)
