"""How amounts and numbers are read in Chinese and English."""

from __future__ import annotations

import pytest

from ipcc.errors import Invalid
from services.ivr.core import speech

NAMES = {
    "digits/10": "十",
    "time/2s": "两",
    "time/hour": "点",
    "time/minute": "分",
    "time/year": "年",
    "time/month": "月",
    "time/day": "日",
    "currency/dollar": "美元",
    "currency/jpy": "日元",
    "digits/point": "点",
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
        ("120000000", "一亿两千万元"),
        ("2", "两元"),
        ("12", "十二元"),
        ("22.20", "二十二元二角"),
        ("200", "二百元"),
        ("2000.02", "两千元零二分"),
        ("20000", "两万元"),
        ("200000000", "两亿元"),
        ("222222.22", "二十二万两千二百二十二元二角二分"),
        ("0.20", "两角"),
        ("0.02", "两分"),
        ("0.50", "五角"),
        ("0.05", "五分"),
        ("100100000", "一亿零十万元"),
        ("-3", "负三元"),
        ("-2000.50", "负两千元五角"),
        ("140.20:USD", "一百四十点二美元"),
        ("2.00:USD", "两美元"),
        ("10000.00:JPY", "一万日元"),
        ("-0.50:USD", "负零点五美元"),
    ],
)
def test_chinese_amounts_are_read_as_a_teller_reads_them(value: str, said: str) -> None:
    assert read(value).replace("一十", "十") == said.replace("一十", "十")


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        ("15:30", "十五点三十分", "digits/15 digits/30"),
        ("09:00", "九点", "digits/9 time/oclock"),
        ("08:05", "八点零五分", "digits/8 digits/0 digits/5"),
        ("00:00", "零点", "digits/0 time/oclock"),
    ],
)
def test_times_of_day(value: str, zh: str, en: str) -> None:
    assert "".join(NAMES[p] for p in speech.hour(value, "zh")) == zh
    assert " ".join(speech.hour(value, "en")) == en


@pytest.mark.parametrize("value", ["", "24:00", "9", "nine"])
def test_what_is_no_time_of_day_is_refused_by_name(value: str) -> None:
    with pytest.raises(Invalid, match=r"speech\.hour"):
        speech.hour(value, "zh")


def test_a_row_is_said_with_its_words_and_a_part_it_has_not_is_left_out() -> None:
    rows = speech.Rows(rows="r", columns=("digits", "amount", "day"), words=("number-is", "amount-said", "due-on"))
    said = speech.prompts((rows,), {"r": "12 2.00 2027-03-02;34 0.50:USD -"}, "zh")
    assert said[:2] == ("number-is", "digits/1")
    assert "".join(NAMES.get(p, "") for p in said[said.index("due-on") :]).startswith("二零二七年三月二日")
    assert said.count("due-on") == 1
    assert speech.prompt_ids_of(rows) == ("number-is", "amount-said", "due-on")
    assert speech.prompts((speech.Rows(rows="r", columns=("day",)),), {"r": "2027-03-02"}, "en") == (
        "digits/20",
        "digits/20",
        "digits/7",
        "time/mon-2",
        "digits/2",
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0.05", "digits/5 currency/fen"),
        ("0", "digits/0 currency/yuan"),
        ("-12.30", "currency/negative digits/12 currency/yuan digits/30 currency/fen"),
        ("1000:JPY", "digits/1 digits/thousand currency/jpy"),
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
