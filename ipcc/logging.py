"""Structured logs: JSON lines (a readable console on a terminal), with context, and nothing in them that identifies a customer.

Masking is the last processor before rendering and also covers what libraries log, so no call site has to remember it.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Values under these keys are never shown, whatever they hold. Compared in lower case without "_" and "-".
SECRET_KEYS = frozenset(
    [
        "pin",
        "pinblock",
        "encryptedpin",
        "password",
        "passwd",
        "secret",
        "token",
        "accesstoken",
        "authorization",
        "cookie",
        "apikey",
        "privatekey",
        "cardno",
        "cardnumber",
        "pan",
        "cvv",
        "cvc",
        "cvv2",
        "digits",
        "dtmf",
        "dtmfdigit",
        "verificationcode",
        "otp",
    ]
)

# Values under these keys identify a customer: the last two characters stay, so that two log lines can be told apart.
CUSTOMER_KEYS = frozenset(
    ["customerid", "customerno", "customername", "idcard", "idnumber", "accountno", "accountid", "account"]
)

# Whole numbers under keys with these endings are measures, not numbers of people or cards.
_MEASURE_ENDINGS = (
    "_us",
    "_ms",
    "_ns",
    "_s",
    "_bytes",
    "offset",
    "sequence",
    "count",
    "size",
    "lineno",
    "process",
    "thread",
)

_MAX_DEPTH = 8

_SENSITIVE = re.compile(
    r"""
      (?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)
    | (?P<idcard>(?<!\d)\d{17}[\dXx](?![\dXx]))
    | (?P<card>(?<!\d)\d(?:[ -]?\d){11,18}(?!\d))
    | (?P<phone>(?<![\d.])\+?\d(?:[ -]?\d){6,14}(?![\d.]))
    """,
    re.VERBOSE,
)

# A date of the form 2026-01-05 has as many digits as a telephone number and is not one.
_DATE = re.compile(r"^(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])(?: \d\d)?$")


def mask_text(text: str) -> str:
    """``text`` with card numbers, identity numbers and telephone numbers reduced to their last four digits."""
    return _SENSITIVE.sub(_mask_match, text)


def _mask_match(found: re.Match[str]) -> str:
    text = found.group()
    if found.lastgroup == "uuid" or (found.lastgroup == "phone" and _DATE.match(text)):
        return text
    return "***" + re.sub(r"[ -]", "", text)[-4:]


def mask_value(key: str, value: Any, depth: int = 0) -> Any:
    """``value`` as it may be logged under ``key``."""
    plain = key.lower().replace("_", "").replace("-", "")
    if plain in SECRET_KEYS:
        return "***"
    if plain in CUSTOMER_KEYS and value is not None:
        return "***" + str(value)[-2:]
    if depth >= _MAX_DEPTH:
        return "..."
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {str(k): mask_value(str(k), v, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [mask_value(key, item, depth + 1) for item in value]
    return _mask_scalar(key, value)


def _mask_scalar(key: str, value: Any) -> Any:
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if key.lower().endswith(_MEASURE_ENDINGS) else _mask_whole_number(value)
    return mask_text(str(value))


def _mask_whole_number(value: int) -> int | str:
    text = str(value)
    return mask_text(text) if len(text.lstrip("-")) >= 7 else value


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The structlog processor."""
    return {key: mask_value(key, value) for key, value in event.items()}


def _render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def configure_logging(level: str = "INFO", form: str = "auto", stream: TextIO | None = None) -> None:
    """Set up the logs of this process, also for libraries that use ``logging``; call once, in ``__main__``."""
    out = stream or sys.stderr
    console = form == "console" or (form == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        mask_event,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _configure_libraries(level, out, shared, structlog.dev.ConsoleRenderer() if console else _render_json)


def _configure_libraries(level: str, out: TextIO, shared: list[Processor], renderer: Processor) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # these repeat at INFO what our own events say, or print statements with their values
    for name in ("uvicorn.access", "uvicorn.error", "httpx", "httpcore", "aiokafka", "sqlalchemy.engine", "alembic"):
        library = logging.getLogger(name)
        library.setLevel(logging.WARNING)
        library.propagate = True
        library.handlers.clear()


def bind_context(**values: str) -> None:
    """Add ``call_id``, ``agent_id``, ``service`` … to every log line of this task and the tasks it starts."""
    structlog.contextvars.bind_contextvars(**values)
