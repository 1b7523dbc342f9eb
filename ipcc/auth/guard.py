"""The guard in front of the routes: FastAPI dependencies that answer 401 and 403, for HTTP and WebSocket alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from ipcc.auth.principal import Principal, Role
from ipcc.auth.tokens import Authenticator
from ipcc.errors import NotAllowed

# A browser cannot set headers on a WebSocket; it offers the token as the second subprotocol: ["ipcc", "bearer.<token>"].
# A query parameter would end up in the logs of proxies.
SUBPROTOCOL = "ipcc"
_SUBPROTOCOL_TOKEN = "bearer."  # noqa: S105  a prefix, not a token


def bearer_token(connection: HTTPConnection) -> str | None:
    """The token of the Authorization header, or of the WebSocket's subprotocols."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    if connection.scope["type"] == "websocket":
        for offered in connection.scope.get("subprotocols", ()):
            if offered.startswith(_SUBPROTOCOL_TOKEN):
                return str(offered.removeprefix(_SUBPROTOCOL_TOKEN))
    return None


def current_principal(connection: HTTPConnection) -> Principal:
    """Who is asking; raises NotSignedIn."""
    authenticator: Authenticator = connection.app.state.authenticator
    return authenticator.authenticate(bearer_token(connection))


CurrentPrincipal = Annotated[Principal, Depends(current_principal)]


def require(*roles: Role) -> Callable[[Principal], Principal]:
    """A dependency that lets only holders of one of ``roles`` pass: ``who: Annotated[Principal, Depends(require(Role.AGENT))]``."""

    def check(principal: CurrentPrincipal) -> Principal:
        if not principal.has(*roles):
            needed = ", ".join(role.value for role in roles)
            raise NotAllowed("auth.role", f"{principal.subject} needs one of the roles {needed}")
        return principal

    return check
