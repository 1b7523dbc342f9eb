"""What is said, as prompt ids in the order of the language: amounts, numbers, dates, digits in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal, InvalidOperation
from itertools import chain, repeat
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ipcc.errors import Invalid
from services.ivr.core.numerals import chinese_number, counted, decimal_number, english_number

PromptId = Annotated[str, Field(pattern=r"^([a-z]+/)?[a-z0-9][a-z0-9-]{0,63}$")]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Amount(_Value):
    """Say the variable as money."""

    amount: str = Field(description="variable with a decimal amount, such as 1234.56")
    currency: str = Field(default="", description="variable with the currency, such as USD; yuan when there is none")


class Digits(_Value):
    """Say the variable digit by digit."""

    digits: str = Field(description="variable whose digits are said, such as the last four of a card")


class Number(_Value):
    """Say the variable as a number."""

    number: str = Field(description="variable with a number, such as 12 or 7.1834")


class Date(_Value):
    """Say the variable as a date."""

    date: str = Field(description="variable with a date, such as 2026-03-02")


class Hour(_Value):
    """Say the variable as a time of day."""

    hour: str = Field(description="variable with a time of day, such as 15:30")


class CardTail(_Value):
    """Say the last four digits of the variable, never more."""

    card_tail: str = Field(description="variable with a number of four digits or more")


class CurrencyName(_Value):
    """Say the name of the currency in the variable."""

    currency: str = Field(description="variable with a currency, such as USD")


class Named(_Value):
    """Say the prompt whose id is ``prompt`` followed by the variable, such as rate/ and 12."""

    prompt: str = Field(pattern=r"^[a-z][a-z0-9-]*/?$", description="the beginning of the prompts' ids")
    by: str = Field(description="variable with the rest of the id")


Otherwise = Annotated[
    tuple[PromptId, ...] | None,
    Field(
        description="prompts said where the text cannot be made into sound; without them the flow goes its way for errors"
    ),
]


class Text(_Value):
    """Say this text, for which nobody has recorded a prompt: a voice of the text-to-speech program makes it ahead."""

    text: dict[Literal["zh", "en"], Annotated[str, Field(min_length=1, max_length=300)]]
    otherwise: Otherwise = None


class Live(_Value):
    """Say what the variable holds, such as a name: made when it is said, and kept nowhere. ``otherwise`` is also for a variable
    that holds nothing."""

    live: str = Field(description="variable with a text")
    otherwise: Otherwise = None


class Words(str):
    """A text among prompt ids; ``is_kept``: it is the flow's own, not a customer's, and may be made ahead. ``otherwise``: what is
    said in its place when it cannot be made into sound, or not in time; None: then it is an error."""

    is_kept: bool
    otherwise: tuple[str, ...] | None

    def __new__(cls, text: str, *, is_kept: bool, otherwise: tuple[str, ...] | None = None) -> Words:
        """The text itself."""
        made = super().__new__(cls, text)
        made.is_kept = is_kept
        made.otherwise = otherwise
        return made


Cell = Literal["date", "day", "amount", "signed", "number", "digits", "currency", "hour"]


class Rows(_Value):
    """Say every row of the variable: rows are separated by ``;``, the parts of one by a blank."""

    rows: str = Field(description="variable with rows, such as 2026-03-01 -120.00;2026-03-02 15.00")
    columns: tuple[Cell, ...] = Field(min_length=1, description="how each part of a row is said")
    words: tuple[PromptId | Literal[""], ...] = Field(
        default=(), description="what is said before each part; may be empty"
    )


Value = Amount | Digits | Number | Date | Hour | CardTail | CurrencyName | Named | Rows | Text | Live
Spoken = PromptId | Value

# an amount of 10^12 yuan or more is a fault of the caller of this module, not a balance
_LIMIT = Decimal(10) ** 12
_LONGEST_ROWS = 10
_UNITS = {
    "CNY": "currency/yuan", "USD": "currency/dollar", "HKD": "currency/hkd", "EUR": "currency/eur", "JPY": "currency/jpy",
}  # fmt: skip


def prompts(spoken: tuple[Spoken, ...], variables: Mapping[str, str], language: str) -> tuple[str, ...]:
    """The prompt ids to play for ``spoken`` in ``language`` (``zh`` or ``en``). Raises Invalid for a value that is none."""
    found: list[str] = []
    for item in spoken:
        found += [item] if isinstance(item, str) else _said(item, variables, language)
    return tuple(found)


def variables_of(spoken: Spoken) -> tuple[str, ...]:
    """The variables it says; of a card's tail none, the last four digits may always be said."""
    if isinstance(spoken, str | CardTail | Text):
        return ()
    if isinstance(spoken, Named):
        return (spoken.by,)
    if isinstance(spoken, Rows):
        return (spoken.rows,)
    if isinstance(spoken, Live):
        return (spoken.live,)
    return tuple(value for value in spoken.model_dump().values() if value)


def prompt_ids_of(spoken: Spoken) -> tuple[str, ...]:
    """The prompt ids it names itself."""
    if isinstance(spoken, Rows):
        return tuple(word for word in spoken.words if word)
    if isinstance(spoken, Text | Live):
        return spoken.otherwise or ()
    return (spoken,) if isinstance(spoken, str) else ()


def _said(item: Value, variables: Mapping[str, str], language: str) -> list[str]:
    if isinstance(item, Amount):
        currency = variables.get(item.currency, "CNY") if item.currency else "CNY"
        return amount(variables.get(item.amount, ""), language, currency)
    if isinstance(item, Named):
        return [f"{item.prompt}{variables.get(item.by, '')}"]
    if isinstance(item, Rows):
        return _rows(item, variables.get(item.rows, ""), language)
    if isinstance(item, Text | Live):
        return _words(item, variables, language)
    if isinstance(item, CardTail):
        return _cell("digits", variables.get(item.card_tail, "")[-4:], language)
    ((kind, name),) = item.model_dump().items()
    return _cell(kind, variables.get(name, ""), language)


def _words(item: Text | Live, variables: Mapping[str, str], language: str) -> list[str]:
    if isinstance(item, Live):
        text = variables.get(item.live, "")
        return [Words(text, is_kept=False, otherwise=item.otherwise)] if text.strip() else list(item.otherwise or ())
    return [Words(text, is_kept=True, otherwise=item.otherwise) for own, text in item.text.items() if own == language]


def _rows(item: Rows, text: str, language: str) -> list[str]:
    said: list[str] = []
    for row in [r for r in text.split(";") if r.strip()][:_LONGEST_ROWS]:
        for kind, value, word in zip(item.columns, row.split(), chain(item.words, repeat("")), strict=False):
            # a part that a row has not is a dash
            if value != "-":
                said += [*([word] if word else []), *_cell(kind, value, language)]
    return said


def _cell(kind: str, value: str, language: str) -> list[str]:
    if kind in ("amount", "signed"):
        money, _, currency = value.partition(":")
        sign = ["expense" if money.startswith("-") else "income"] if kind == "signed" else []
        return sign + amount(money.removeprefix("-") if sign else money, language, currency or "CNY")
    if kind == "hour":
        return hour(value, language)
    if kind == "number":
        return number(value, language)
    if kind == "date":
        return day(value, language)
    if kind == "day":
        return [*year(value, language), *day(value, language)]
    if kind == "currency":
        return [_unit(value)]
    return [f"digits/{d}" for d in value if d.isdigit() and d.isascii()]


def number(value: str, language: str) -> list[str]:
    """A number as prompt ids. Raises Invalid when it is none."""
    return decimal_number(_decimal(value, "number"), language)


def day(value: str, language: str) -> list[str]:
    """A date as prompt ids: month and day. Raises Invalid when it is none."""
    try:
        found = date.fromisoformat(value[:10])
    except ValueError:
        raise Invalid("speech.date", "a variable that is to be said as a date holds none") from None
    if language == "zh":
        return [*chinese_number(found.month), "time/month", *chinese_number(found.day), "time/day"]
    return [f"time/mon-{found.month - 1}", *english_number(found.day)]


def year(value: str, language: str) -> list[str]:
    """The year of a date, in Chinese digit by digit; for days so far ahead that it must be said."""
    if language == "zh":
        return [*(f"digits/{digit}" for digit in value[:4] if digit.isdecimal()), "time/year"]
    return [*english_number(int(value[:2])), *english_number(int(value[2:4]))] if value[:4].isdecimal() else []


def hour(value: str, language: str) -> list[str]:
    """A time of day such as 15:30 as prompt ids, by 24 hours. Raises Invalid when it is none."""
    try:
        found = time.fromisoformat(value)
    except ValueError:
        raise Invalid("speech.hour", "a variable that is to be said as a time of day holds none") from None
    if language == "zh":
        minutes = [*(["digits/0"] if found.minute < 10 else []), *chinese_number(found.minute), "time/minute"]
        return [*chinese_number(found.hour), "time/hour", *(minutes if found.minute else [])]
    minutes = [*(["digits/0"] if found.minute < 10 else []), *english_number(found.minute)]
    return [*english_number(found.hour), *(minutes if found.minute else ["time/oclock"])]


def amount(value: str, language: str, currency: str = "CNY") -> list[str]:
    """A decimal amount as prompt ids; one that names its currency (``10.00:USD``) is in that. Raises Invalid when it is none."""
    value, _, named = value.partition(":")
    currency = named or currency
    money = _decimal(value, "amount")
    cents = int((abs(money) * 100).to_integral_value())
    said = ["currency/negative"] if money < 0 else []
    if currency != "CNY":
        whole = counted(2) if language == "zh" and cents == 200 else decimal_number(Decimal(cents) / 100, language)
        return [*said, *whole, _unit(currency)]
    yuan, fen = divmod(cents, 100)
    if language == "zh":
        return said + _chinese_money(yuan, fen)
    if yuan or not fen:
        said += [*english_number(yuan), "currency/yuan"]
    return said + ([*english_number(fen), "currency/fen"] if fen else [])


def _unit(currency: str) -> str:
    try:
        return _UNITS[currency]
    except KeyError:
        raise Invalid(
            "speech.currency", "a variable that is to be said as a currency holds none we have a prompt for"
        ) from None


def _decimal(value: str, what: str) -> Decimal:
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise Invalid(f"speech.{what}", f"a variable that is to be said as a {what} holds none") from None
    if not found.is_finite() or abs(found) >= _LIMIT:
        raise Invalid(f"speech.{what}", f"a variable that is to be said as a {what} holds none")
    return found


def _chinese_money(yuan: int, fen: int) -> list[str]:
    said = [*counted(yuan), "currency/yuan"] if yuan or not fen else []
    jiao, rest = divmod(fen, 10)
    if jiao:
        said += [*([f"digits/{jiao}"] if said else counted(jiao)), "currency/jiao"]
    elif rest and yuan:
        said.append("digits/0")
    if rest:
        said += [*(counted(rest) if not said else [f"digits/{rest}"]), "currency/fen"]
    return said
