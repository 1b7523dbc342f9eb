"""Which choice a caller has spoken: Chinese and English, as recognisers write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ivr.core.phrases import choose, words_of

ZH = {
    "balance": ("余额", "查询余额", "我还有多少钱"),
    "card": ("信用卡余额",),
    "transfer": ("转账", "汇款"),
    "loss": ("挂失", "卡丢了", "银行卡丢失挂失"),
}
EN = {
    "balance": ("balance", "check my balance"),
    "credit": ("credit card balance",),
    "transfer": ("transfer", "send money"),
    "loss": ("lost card", "I've lost my card"),
    "pay": ("pay",),
}


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("余额", "balance"),
        ("我 想 查 一下 余额", "balance"),
        ("我要查询余额，谢谢。", "balance"),
        ("信用卡余额", "card"),
        ("我的信用卡 余额 是多少？", "card"),
        ("请帮我转账", "transfer"),
        ("我的卡丢了！", "loss"),
        ("银行卡丢失挂是", "loss"),
        ("我还有多少前", "balance"),
        ("今天天气怎么样", ""),
        ("余", ""),
        ("", ""),
        ("。，！", ""),
    ],
)
def test_a_chinese_caller_is_understood_with_and_without_spaces_and_punctuation(text: str, choice: str) -> None:
    assert choose(text, ZH) == choice


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("balance", "balance"),
        ("I would like to CHECK my balance, please.", "balance"),
        ("ｂａｌａｎｃｅ", "balance"),
        ("the credit card balance", "credit"),
        ("i’ve lost my card", "loss"),
        ("ive lost my car", "loss"),
        ("I want to transfre", "transfer"),
        ("repayment plans", ""),
        ("debit card", ""),
        ("what is the weather like", ""),
    ],
)
def test_an_english_caller_is_understood_by_whole_words_and_by_nearly_right_ones(text: str, choice: str) -> None:
    assert choose(text, EN) == choice


@pytest.mark.parametrize(("text", "choices"), [("转账还是挂失", ZH), ("transfer or lost card", EN)])
def test_who_names_two_choices_is_asked_again(text: str, choices: dict[str, tuple[str, ...]]) -> None:
    assert choose(text, choices) == ""


def test_what_is_like_two_choices_alike_is_neither() -> None:
    assert choose("saving account", {"a": ("savings account",), "b": ("savinga account",)}) == ""


def test_a_phrase_of_a_language_he_does_not_speak_is_none() -> None:
    assert choose("余额", {"balance": ()}) == ""


@given(st.sampled_from([(name, phrase) for name, phrases in (*ZH.items(), *EN.items()) for phrase in phrases]))
def test_every_phrase_is_its_own_choice(one: tuple[str, str]) -> None:
    name, phrase = one
    assert choose(phrase, ZH if phrase in ZH.get(name, ()) else EN) == name


@given(st.text(max_size=60))
def test_whatever_an_engine_writes_the_answer_is_a_choice_or_none_and_words_have_nothing_but_letters(text: str) -> None:
    assert choose(text, {**EN, "zh": ("余额",)}) in {*EN, "zh", ""}
    assert all(word and not any(letter.isspace() for letter in word) for word in words_of(text))
