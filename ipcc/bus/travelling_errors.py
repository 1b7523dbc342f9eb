"""Errors on their way to the asker: an error of ours as a reply, and a reply as the same error again. Pure."""

from __future__ import annotations

from typing import Any

import orjson

import ipcc.errors
from ipcc.contracts.reply import CommandFailed
from ipcc.errors import IpccError

# attributes that some errors have beside code, message and details
OWN_FIELDS = ("retry_after_s", "cause", "delay_s")


def failure_of(error: IpccError, asker: str) -> CommandFailed:
    """``error`` as the answer to ``asker``."""
    own = {name: getattr(error, name) for name in OWN_FIELDS if hasattr(error, name)}
    return CommandFailed(
        asker=asker,
        code=error.code,
        message=error.message,
        status=error.status,
        error=type(error).__name__,
        details=orjson.loads(orjson.dumps({**error.details, **own}, default=str)),
    )


def raised_from(reply: CommandFailed) -> IpccError:
    """The error in ``reply``, of the same class where this release knows it, else of the nearest one by its status."""
    kind = getattr(ipcc.errors, reply.error, None)
    if not (isinstance(kind, type) and issubclass(kind, IpccError)):
        kind = ipcc.errors.Refused if reply.status < 500 else IpccError
    details: dict[str, Any] = dict(reply.details)
    # constructors differ; what makes the error is these fields
    error = kind.__new__(kind)
    for name in OWN_FIELDS:
        if name in details:
            setattr(error, name, details.pop(name))
    IpccError.__init__(error, reply.code, reply.message, **details)
    return error
