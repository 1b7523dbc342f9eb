"""Errors that travel to the asker."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest

import ipcc.errors
from ipcc.bus.travelling_errors import failure_of, raised_from
from ipcc.contracts.reply import CommandFailed
from ipcc.errors import IpccError, NotNow, Refused, SwitchRefused

KINDS = [k for _, k in inspect.getmembers(ipcc.errors, inspect.isclass) if issubclass(k, IpccError)]
ARGUMENTS: dict[str, Any] = {"machine": "agent", "state": "ready", "given": "hang_up", "message": "no", "code": "x.y"}


def made(kind: type[IpccError]) -> IpccError:
    """An error of that class, whatever its constructor wants."""
    wanted = inspect.signature(kind.__init__).parameters
    return kind(**{name: value for name, value in ARGUMENTS.items() if name in wanted})


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_ours_arrives_as_itself(kind: type[IpccError]) -> None:
    error = made(kind)
    arrived = raised_from(CommandFailed.model_validate_json(failure_of(error, "ivr-0").model_dump_json()))
    assert type(arrived) is kind
    assert (arrived.code, arrived.message, str(arrived)) == (error.code, error.message, str(error))
    assert vars(arrived) == vars(error)


def test_a_class_this_release_does_not_know_arrives_as_the_nearest_by_its_status() -> None:
    reply = CommandFailed(asker="a", code="x.y", message="no", status=409, error="FromTheFuture")
    assert type(raised_from(reply)) is Refused
    assert type(raised_from(reply.model_copy(update={"status": 502}))) is IpccError


def test_only_our_errors_can_be_named() -> None:
    reply = CommandFailed(asker="a", code="x.y", message="no", status=500, error="Any")
    assert type(raised_from(reply)) is IpccError


def test_details_that_are_not_json_arrive_as_text() -> None:
    error = NotNow("x.y", "no", at=datetime(2026, 1, 5, tzinfo=UTC), cause=ValueError("odd"))
    assert failure_of(error, "a").details == {"at": "2026-01-05T00:00:00+00:00", "cause": "odd"}


def test_the_cause_of_the_switch_survives() -> None:
    arrived = raised_from(failure_of(SwitchRefused("USER_BUSY", cause="USER_BUSY"), "a"))
    assert isinstance(arrived, SwitchRefused)
    assert arrived.cause == "USER_BUSY"
