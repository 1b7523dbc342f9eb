"""Which phones are registered, as sofia_reg keeps it. Pure: the kernel fires the events these changes are told by."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sender:
    """Who sent a REGISTER: its User-Agent, and where it came from (host:port) if that is not where calls go to."""

    agent: str = ""
    address: str = ""


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
    source: str = ""
    """Where the request came from (host:port), empty if from the contact's address."""

    @property
    def contact(self) -> str:
        """The SIP address calls go to."""
        return f"sip:{self.user}@{self.address}"

    @property
    def ip(self) -> str:
        return self._sent_from.rpartition(":")[0] or self._sent_from

    @property
    def _sent_from(self) -> str:
        return self.source or self.address

    @property
    def port(self) -> str:
        host, colon, port = self._sent_from.rpartition(":")
        return port if colon and host else "5060"


@dataclass
class Registrar:
    """The table of registrations: one contact per user, as with the default ``multiple-registrations`` off."""

    entries: dict[tuple[str, str], Registration] = field(default_factory=dict)
    listed: dict[tuple[str, str], Registration] = field(default_factory=dict)
    """What ``show registrations`` has: the core's own list, in which flushed ones stay (02a, 02c)."""

    def put(self, registration: Registration) -> None:
        """The user's contact from now on."""
        key = (registration.user, registration.domain)
        for table in (self.entries, self.listed):
            table.pop(key, None)
            table[key] = registration

    def find(self, user: str, domain: str) -> Registration | None:
        return self.entries.get((user, domain))

    def drop(self, user: str, domain: str) -> Registration | None:
        self.listed.pop((user, domain), None)
        return self.entries.pop((user, domain), None)

    def unlist(self, entry: Registration) -> None:
        """Out of the core's list too, unless the user has registered again."""
        key = (entry.user, entry.domain)
        if self.listed.get(key) is entry:
            del self.listed[key]

    def flush(self, wanted: str = "") -> list[Registration]:
        """Forget contacts by command: those of ``user@domain`` or of a Call-ID, or all; the core is not told."""
        gone = [
            entry for entry in self.entries.values() if wanted in ("", f"{entry.user}@{entry.domain}", entry.call_id)
        ]
        for entry in gone:
            del self.entries[(entry.user, entry.domain)]
        return gone
