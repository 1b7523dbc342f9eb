"""Nothing that identifies a customer, and no secret, survives the masking of a log line."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ipcc.logging import bind_context, configure_logging, mask_text, mask_value


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("card 6222020000000000018 refused", "card ***0018 refused"),
        ("card 6222 0200 0000 0000 refused", "card ***0000 refused"),
        ("from 13800001234 to 95500", "from ***1234 to 95500"),
        ("+86 138 0000 1234", "***1234"),
        ("010-12345678", "***5678"),
        ("11010519491231002X", "***002X"),
        ("call 0199a0b2-1111-7222-8333-123456789012", "call 0199a0b2-1111-7222-8333-123456789012"),
        ("agent 1001 at 2026-01-05T09:00:00 on 127.0.0.1:8021", "agent 1001 at 2026-01-05T09:00:00 on 127.0.0.1:8021"),
        ("2026-01-05 09:00:00.123456", "2026-01-05 09:00:00.123456"),
    ],
)
def test_numbers_of_people_and_cards_are_masked_and_others_stay(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "key", ["pin", "PIN", "card_no", "cvv", "esl-password".replace("esl-", ""), "authorization", "digits"]
)
def test_values_of_secret_keys_never_show(key: str) -> None:
    assert mask_value(key, "1234") == "***"
    assert mask_value("outer", {"list": [{key: 1234}]}) == {"list": [{key: "***"}]}


@given(
    st.from_regex(r"\A[1-9][0-9]{11,18}\Z"),
    st.text(alphabet="abc ,;=", max_size=5),
    st.text(alphabet="abc ,;=", max_size=5),
)
def test_no_run_of_digits_as_long_as_a_card_survives(card: str, before: str, after: str) -> None:
    assert card not in mask_text(f"{before}{card}{after}")


@given(st.integers(min_value=10**11, max_value=10**19 - 1))
def test_a_card_given_as_a_number_is_masked(card: int) -> None:
    assert str(card) not in str(mask_value("value", card))


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def stream() -> io.StringIO:
    out = io.StringIO()
    configure_logging("INFO", "json", out)
    return out


def test_a_log_line_is_json_with_its_context(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars():
        bind_context(service="admin", call_id="c-1")
        structlog.get_logger("x").info("call_arrived", caller="13800001234", waited_ms=12345678)
    (line,) = _lines(stream)
    assert (line["event"], line["service"], line["call_id"]) == ("call_arrived", "admin", "c-1")
    assert (line["caller"], line["waited_ms"]) == ("***1234", 12345678)
    assert str(line["time"]).endswith("Z")


def test_what_libraries_log_is_masked_too(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("sent %s", "6222020000000000018")
    assert "6222020000000000018" not in stream.getvalue()
    assert "***0018" in stream.getvalue()


def test_the_text_of_an_exception_is_masked(stream: io.StringIO) -> None:
    try:
        raise ValueError("number 13800001234")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    assert "13800001234" not in stream.getvalue()
    assert "ValueError" in stream.getvalue()
