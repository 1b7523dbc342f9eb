"""A message to a receiver by HTTP, connected to an address that was checked: whoever names the receiver reaches nothing beside us.

The name is looked up here and the connection made to what was found, so that a name that leads elsewhere a moment later
(DNS rebinding) gains nothing. Redirects are not followed, answers not read.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from ipcc.errors import Invalid, IpccError
from ipcc.webhooks import Place, Reach, check_addresses, place_of

TIMEOUT_S = 5.0
WHOLE_S = 10.0
"""So long one delivery may take, whatever its parts take."""

Resolve = Callable[[str, int], Awaitable[list[str]]]


class NotDelivered(IpccError):
    """The receiver did not take a message; it is tried again a few times."""

    status = 502

    def __init__(self, hook_id: str, reason: str) -> None:
        super().__init__("webhook.not_delivered", f"webhook {hook_id}: {reason}", hook_id=hook_id)


async def resolve(host: str, port: int) -> list[str]:
    """The addresses a name leads to, in the order to be tried. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def client_of(ca_file: Path | None) -> httpx.AsyncClient:
    """What connects: TLS as the public authorities and those in ``ca_file`` vouch for, no proxy. Raises OSError, ssl.SSLError."""
    trust = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        trust.load_verify_locations(cafile=str(ca_file))
    return httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=trust)


@dataclass(frozen=True)
class Poster:
    """Posts. ``client`` must take no proxy from the environment: it would connect where we did not look."""

    client: httpx.AsyncClient
    reach: Reach = field(default_factory=Reach)
    resolve: Resolve = resolve

    async def post(self, hook_id: str, url: str, body: bytes, headers: Mapping[str, str], *, is_trusted: bool) -> int:
        """The status of a 2xx answer. Raises NotDelivered for everything else."""
        try:
            async with asyncio.timeout(WHOLE_S):
                request = self.client.build_request("POST", url, content=body, headers=dict(headers))
                if not is_trusted:
                    await self._aim(request)
                answer = await self.client.send(request, stream=True)
                await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise NotDelivered(hook_id, type(error).__name__) from None
        except Invalid as error:
            raise NotDelivered(hook_id, error.message) from None
        if not answer.is_success:
            # a redirect is not followed: what is signed for one receiver is not shown to another
            raise NotDelivered(hook_id, f"answered {answer.status_code}")
        return answer.status_code

    async def _aim(self, request: httpx.Request) -> None:
        """Point the request at a checked address; the name stays in the Host header and in the certificate's check."""
        place: Place = place_of(str(request.url), self.reach)
        addresses = await self.resolve(place.host, place.port)
        check_addresses(place.host, addresses, self.reach)
        request.url = request.url.copy_with(host=addresses[0])
        request.extensions = {**request.extensions, "sni_hostname": place.host}
