"""How amounts and numbers are read in Chinese and English."""

from __future__ import annotations

import pytest

from ipcc.errors import Invalid
from services.ivr.core import speech

NAMES = {
    "digits/10": "十",
    "digits/hundred": "百",
    "digits/thousand": "千",
    "digits/10000": "万",
    "digits/100000000": "亿",
    "currency/yuan": "元",
    "currency/jiao": "角",
    "currency/fen": "分",
    "currency/negative": "负",
    **{f"digits/{n}": c for n, c in enumerate("零一二三四五六七八九")},
}


def read(value: str) -> str:
    return "".join(NAMES[p] for p in speech.amount(value, "zh"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0", "零元"),
        ("10", "十元"),
        ("12.30", "十二元三角"),
        ("110", "一百一十元"),
        ("105.07", "一百零五元零七分"),
        ("1000.10", "一千元一角"),
        ("1005", "一千零五元"),
        ("10000", "一万元"),
        ("10500", "一万零五百元"),
        ("120034.56", "十二万零三十四元五角六分"),
        ("100000000", "一亿元"),
        ("100000001", "一亿零一元"),
        ("120000000", "一亿二千万元"),
        ("100100000", "一亿零十万元"),
        ("-3", "负三元"),
    ],
)
def test_chinese_amounts_are_read_as_a_teller_reads_them(value: str, said: str) -> None:
    assert read(value).replace("一十", "十") == said.replace("一十", "十")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0.05", "digits/0 currency/yuan digits/5 currency/fen"),
        ("21", "digits/20 digits/1 currency/yuan"),
        ("1234", "digits/1 digits/thousand digits/2 digits/hundred digits/30 digits/4 currency/yuan"),
        ("2000000000", "digits/2 digits/billion currency/yuan"),
    ],
)
def test_english_amounts(value: str, said: str) -> None:
    assert " ".join(speech.amount(value, "en")) == said


@pytest.mark.parametrize("value", ["", "abc", "NaN", "Infinity", "1e15"])
def test_what_is_no_amount_is_refused_by_name(value: str) -> None:
    with pytest.raises(Invalid, match=r"speech\.amount"):
        speech.amount(value, "zh")


def test_a_card_tail_is_said_digit_by_digit() -> None:
    said = speech.prompts(("you-entered", speech.Digits(digits="tail")), {"tail": "0042"}, "en")
    assert said == ("you-entered", "digits/0", "digits/0", "digits/4", "digits/2")
