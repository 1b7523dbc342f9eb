"""How Kafka is reached: addresses, security, waiting times, names; and what its client's errors mean to us."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from ipcc.errors import BusDown, Invalid, NotFound

log = structlog.get_logger(__name__)

CLOSE_GRACE_S = 3.0
REQUEST_SHARE = 0.7


@dataclass(frozen=True)
class KafkaSettings:
    """Where the brokers are and how patient we are with them.

    ``servers`` is host:port, several by commas. ``prefix`` goes before every topic, group and transactional id: several systems
    can share one cluster. ``session_timeout_s`` is how long a dead member keeps its partitions; brokers refuse less than their
    ``group.min.session.timeout.ms`` (6 s unless set). ``replicas`` is how many brokers keep each record; with three or more, two
    must have it before a send is acknowledged.
    """

    servers: str
    prefix: str = ""
    send_timeout_s: float = 5.0
    session_timeout_s: float = 6.0
    rebalance_timeout_s: float = 15.0
    replicas: int = 1
    username: str = ""
    password: str = ""
    ca_file: Path | None = None

    @property
    def request_timeout_ms(self) -> int:
        """The library's own limit for one request: below the send time, so that its errors, which say more, come first."""
        return int(self.send_timeout_s * 1000 * REQUEST_SHARE)

    def connection(self) -> dict[str, Any]:
        """The client's arguments that say whom to connect to and as whom."""
        secure = ssl.create_default_context(cafile=str(self.ca_file)) if self.ca_file else None
        arguments: dict[str, Any] = {"bootstrap_servers": self.servers, "client_id": self.prefix + "ipcc"}
        if secure:
            arguments["ssl_context"] = secure
        if self.username:
            arguments |= {
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        protocol = {
            (False, False): "PLAINTEXT",
            (True, False): "SSL",
            (False, True): "SASL_PLAINTEXT",
            (True, True): "SASL_SSL",
        }
        arguments["security_protocol"] = protocol[bool(secure), bool(self.username)]
        return arguments


class Stoppable(Protocol):
    """A client of the Kafka library."""

    async def stop(self) -> None:
        """Flush and close."""


@contextlib.contextmanager
def errors_translated(settings: KafkaSettings, doing: str) -> Iterator[None]:
    """Turns the client's errors and a timeout into ours: BusDown, NotFound, Invalid; the message says who and what."""
    try:
        yield
    except UnknownTopicOrPartitionError as error:
        raise NotFound("bus.no_such_topic", f"{doing}: Kafka at {settings.servers} has no such topic") from error
    except MessageSizeTooLargeError as error:
        raise Invalid("bus.too_large", f"{doing}: {error}") from error
    except TimeoutError as error:
        raise BusDown("bus.down", f"{doing}: Kafka at {settings.servers} did not answer in time") from error
    except (KafkaError, OSError) as error:
        raise BusDown("bus.down", f"{doing}: Kafka at {settings.servers}: {str(error) or repr(error)}") from error


async def partitions_of(link: AIOKafkaClient, topic: str) -> set[int]:
    """The partitions of ``topic``, at once when known. Raises UnknownTopicOrPartitionError only if a broker says so."""
    try:
        found: set[int] = await link._wait_on_metadata(topic)
    except UnknownTopicOrPartitionError:
        # the library says the same when no broker answers
        if not await link.force_metadata_update():
            raise TimeoutError from None
        raise
    return found


async def close_quietly(client: Stoppable, what: str) -> None:
    """Close ``client``, by force after a few seconds when the broker does not play along."""
    try:
        async with asyncio.timeout(CLOSE_GRACE_S):
            await client.stop()
    except (TimeoutError, KafkaError) as error:
        log.warning("closed_by_force", what=what, error=str(error) or repr(error))
