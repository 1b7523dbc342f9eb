"""What the stand-in says in words: invented branches, products and a notice, Chinese and English. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bankcore.schemas import TextQuestion
from ipcc.errors import NotFound


@dataclass(frozen=True)
class _Told:
    """``names``: by which people ask for it, in any language; ``text`` by language."""

    names: tuple[str, ...]
    text: Mapping[str, str]


_KNOWN: Mapping[str, tuple[_Told, ...]] = {
    "branch": (
        _Told(
            ("总行", "人民路", "市中心", "head office", "people's road", "city centre", "centre"),
            {
                "zh": "总行营业部位于人民路一号，工作日九点至十七点营业。",
                "en": "Our head office is at one People's Road, open from nine to five on workdays.",
            },
        ),
        _Told(
            ("火车站", "车站", "站前", "station", "railway"),
            {
                "zh": "车站支行位于站前广场东侧，每天八点至二十点营业。",
                "en": "Our station branch is on the east side of Station Square, open every day from eight to eight.",
            },
        ),
        _Told(
            ("机场", "airport"),
            {
                "zh": "机场支行位于二号航站楼到达层，每天七点至二十二点营业。",
                "en": "Our airport branch is in the arrivals hall of terminal two, open every day from seven to ten.",
            },
        ),
    ),
    "product": (
        _Told(
            ("大额存单", "certificate"),
            {
                "zh": "本月推荐三年期大额存单，二十万元起存。",
                "en": "This month we offer a certificate of deposit for three years, from two hundred thousand yuan.",
            },
        ),
        _Told(
            ("国债", "bond"),
            {
                "zh": "储蓄国债每月十日起发售，一百元起购。",
                "en": "Savings bonds are on sale from the tenth of each month, from one hundred yuan.",
            },
        ),
    ),
    "notice": (
        _Told(
            (),
            {
                "zh": "春节期间部分网点营业时间有调整，请留意网点公告。",
                "en": "Some branches open at other hours during the Spring Festival. Please look for the notice at your branch.",
            },
        ),
    ),
}


def text(question: TextQuestion) -> str:
    """The words. Raises NotFound ``text_not_found`` where nothing of that name is known."""
    known = _KNOWN[question.topic]
    wanted = question.item.replace(" ", "").casefold()
    found = [one for one in known if not wanted or any(name.replace(" ", "") in wanted for name in one.names)]
    if not found:
        raise NotFound("text_not_found", "there are no words for that")
    return found[0].text[question.language]
