"""Which phones are registered, as sofia_reg keeps it. Pure: the kernel fires the events these changes are told by."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Registration:
    """One contact of one user; ``expires_at`` is in seconds since 1970."""

    user: str
    domain: str
    address: str
    profile: str
    call_id: str
    agent: str
    expires_s: int
    expires_at: float
    token: str = ""
    """The call id of the user's first registration; a refresh keeps it (01i)."""

    @property
    def contact(self) -> str:
        """The SIP address calls go to."""
        return f"sip:{self.user}@{self.address}"

    @property
    def ip(self) -> str:
        return self.address.rpartition(":")[0] or self.address

    @property
    def port(self) -> str:
        host, colon, port = self.address.rpartition(":")
        return port if colon and host else "5060"


@dataclass
class Registrar:
    """The table of registrations: one contact per user, as with the default ``multiple-registrations`` off."""

    entries: dict[tuple[str, str], Registration] = field(default_factory=dict)

    def put(self, registration: Registration) -> None:
        self.entries.pop((registration.user, registration.domain), None)
        self.entries[(registration.user, registration.domain)] = registration

    def find(self, user: str, domain: str) -> Registration | None:
        return self.entries.get((user, domain))

    def drop(self, user: str, domain: str) -> Registration | None:
        return self.entries.pop((user, domain), None)
