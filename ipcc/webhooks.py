"""What admin, which makes webhooks, and ctiserver, which delivers to them, must see alike: secrets, and receivers that may be reached.

Pure: whoever connects looks a name up himself and asks here about every address that was found.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from ipcc.contracts.config import Webhook
from ipcc.errors import Invalid

PREFIX = "whsec_"
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# what an address of these networks means is an IPv4 address in its last four bytes (RFC 6052)
_TRANSLATED = IPv6Network("64:ff9b::/96")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Reach:
    """Where webhooks may go besides public addresses by HTTPS: into these ``networks``, and by plain HTTP if ``plain``."""

    networks: Sequence[Network] = ()
    plain: bool = False

    def allows(self, address: str) -> bool:
        """Whether messages may be sent to this address: public ones, and those of the networks named."""
        found = _meant_by(ip_address(address))
        if any(found in network for network in self.networks if network.version == found.version):
            return True
        return found.is_global and not found.is_multicast


@dataclass(frozen=True)
class Place:
    """Where a URL points."""

    host: str
    port: int


def place_of(url: str, reach: Reach) -> Place:
    """The host and port of a receiver's URL.

    Raises Invalid (webhook.url): not HTTPS, a user or fragment in it, an address that may not be reached. A name is judged by
    the addresses it leads to, at each delivery.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        raise Invalid("webhook.url", "url: host and port cannot be read") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and reach.plain):
        raise Invalid("webhook.url", "url: only https:// is allowed here")
    if not host or not port or "@" in parts.netloc or parts.fragment:
        raise Invalid("webhook.url", "url: needs a host, and neither user nor fragment")
    if _is_address(host) and not reach.allows(host):
        raise _refusal(host)
    return Place(host, port)


def check_addresses(host: str, addresses: Sequence[str], reach: Reach) -> None:
    """All addresses a name leads to. Raises Invalid (webhook.url) when one of them may not be reached."""
    if not addresses or not all(reach.allows(address) for address in addresses):
        raise _refusal(host)


def secrets_of(key: str, hook: Webhook, now: datetime) -> list[str]:
    """The secrets that sign messages to ``hook`` now, the present one first."""
    numbers = [hook.secret_number]
    if hook.former_secret_until is not None and now < hook.former_secret_until and hook.secret_number > 1:
        numbers.append(hook.secret_number - 1)
    return [secret_of(key, hook, number) for number in numbers]


def secret_of(key: str, hook: Webhook, number: int) -> str:
    """The ``number``-th secret of a hook: whoever has it learns nothing of the key, nor of another secret.

    The moment it was made is in it, so that one made again under an old id has a secret of its own.
    """
    text = f"ipcc-webhook-secret\n{hook.id}\n{hook.since.timestamp():.6f}\n{number}"
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return PREFIX + urlsafe_b64encode(digest).decode().rstrip("=")


def _meant_by(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _TRANSLATED:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _refusal(host: str) -> Invalid:
    return Invalid("webhook.url", f"url: {host} is not an address that webhooks may be sent to")
