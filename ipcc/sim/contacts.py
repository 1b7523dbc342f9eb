"""REGISTER requests and what they are told by: sofia:: events, sofia_contact, expiry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ipcc.sim.outputs import HeaderValue
from ipcc.sim.registrations import Registration, Sender
from ipcc.sim.settings import User

if TYPE_CHECKING:
    from ipcc.sim.kernel import Kernel

NOBODY = Sender()
_UNLISTED_AFTER_S = 30.0
"""The core's list loses an expired contact some time after everybody was told (02b)."""


class Contacts:
    """The registrar of one switch at work."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def register(self, user_id: str, address: str, expires_s: int, call_id: str, sender: Sender) -> bool:
        """Take a registration in; a refresh looks the same (fact 40). False if the directory has no such user."""
        kernel = self._kernel
        user = next((entry for entry in kernel.settings.users if entry.id == user_id), None)
        if user is None:
            self.reject(user_id, address, expires_s, call_id)
            return False
        entry = self._entry(user, address, expires_s, call_id, sender)
        kernel.registrar.put(entry)
        self._tell_attempt(entry)
        self._tell(entry, user, "sofia::register")
        kernel.timeline.at(entry.expires_at, lambda: self._expire(entry))
        return True

    def reject(self, user_id: str, address: str, expires_s: int, call_id: str) -> None:
        """A wrong password or an unknown user: 403, and told as a failure (02c)."""
        kernel = self._kernel
        entry = self._entry(User(user_id, kernel.settings.domain), address, expires_s, call_id)
        self._tell_attempt(entry, "FORBIDDEN")
        fields: dict[str, HeaderValue] = {
            "profile-name": entry.profile,
            "to-user": entry.user,
            "to-host": entry.domain,
            "network-ip": entry.ip,
            "user-agent": entry.agent,
            "network-port": entry.port,
            "registration-type": "REGISTER",
        }
        kernel.fire("CUSTOM", fields, "sofia::register_failure")

    def unregister(self, user_id: str, address: str = "") -> None:
        """Drop the user's contact; the switch tells of it even if it knew none."""
        kernel = self._kernel
        user = next((entry for entry in kernel.settings.users if entry.id == user_id), None)
        if user is None:
            return
        known = kernel.registrar.drop(user.id, user.domain)
        entry = known or self._entry(user, address or kernel.settings.address, 0, "")
        self._tell_attempt(replace(entry, expires_s=0))
        self._tell_unregistered(entry, user)

    def _entry(self, user: User, address: str, expires_s: int, call_id: str, sender: Sender = NOBODY) -> Registration:
        kernel = self._kernel
        call_id = call_id or kernel.new_uuid()
        known = kernel.registrar.find(user.id, user.domain)
        return Registration(
            user=user.id,
            domain=user.domain,
            address=address,
            profile=kernel.settings.phone_profile,
            call_id=call_id,
            agent=sender.agent or kernel.settings.phone_agent,
            source=sender.address,
            expires_s=expires_s,
            expires_at=kernel.now + expires_s + kernel.settings.ping_grace_s,
            token=known.token if known else call_id,
        )

    def answer(self, argument: str) -> str:
        """``sofia_contact [profile/]user@domain``: the dial string to the phone."""
        wanted = argument.strip()
        profile, slash, rest = wanted.rpartition("/")
        user, _, domain = rest.partition("@")
        entry = self._kernel.registrar.find(user, domain or self._kernel.settings.domain)
        if entry is None or (slash and profile not in ("*", entry.profile)):
            return "error/user_not_registered"
        return f"sofia/{entry.profile}/{entry.contact}"

    def _expire(self, entry: Registration) -> None:
        kernel = self._kernel
        if kernel.registrar.find(entry.user, entry.domain) is not entry:
            return
        kernel.registrar.flush(entry.call_id)
        tell_expired(kernel, entry)
        kernel.timeline.after(_UNLISTED_AFTER_S, lambda: kernel.registrar.unlist(entry))

    def _tell_attempt(self, entry: Registration, result: str = "RENEWED") -> None:
        fields = _request(entry)
        self._kernel.fire("CUSTOM", {**fields, "user-agent": entry.agent}, "sofia::pre_register")
        fields.update({"username": entry.user, "realm": entry.domain, "user-agent": entry.agent, "auth-result": result})
        self._kernel.fire("CUSTOM", fields, "sofia::register_attempt")

    def _tell(self, entry: Registration, user: User, subclass: str) -> None:
        request = _request(entry)
        fields: dict[str, HeaderValue] = {}
        for name, value in request.items():
            if name == "contact":
                fields["presence-hosts"] = f"{entry.domain},{entry.domain}"
            fields[name] = value
        fields.update({"username": entry.user, "realm": entry.domain, "user-agent": entry.agent})
        fields.update(_user_fields(user))
        self._kernel.fire("CUSTOM", fields, subclass)

    def _tell_unregistered(self, entry: Registration, user: User) -> None:
        fields: dict[str, HeaderValue] = {
            "profile-name": entry.profile,
            "username": entry.user,
            "from-user": entry.user,
            "from-host": entry.domain,
            "contact": f'"" <{entry.contact}>',
            "call-id": entry.call_id,
            "rpid": "unknown",
            "realm": entry.domain,
            "network-ip": entry.ip,
            "network-port": entry.port,
            "user-agent": entry.agent,
            "expires": "0",
        }
        fields.update(_user_fields(user))
        self._kernel.fire("CUSTOM", fields, "sofia::unregister")


def tell_expired(kernel: Kernel, entry: Registration) -> None:
    """sofia::expire: the contact is forgotten, by time or by command."""
    fields: dict[str, HeaderValue] = {
        "profile-name": entry.profile,
        "call-id": entry.call_id,
        "user": entry.user,
        "username": entry.user,
        "host": entry.domain,
        "contact": f'"" <{entry.contact}>',
        "expires": str(int(entry.expires_at)),
        "user-agent": entry.agent,
        "realm": entry.domain,
        "network-ip": entry.ip,
        "network-port": entry.port,
    }
    kernel.fire("CUSTOM", fields, "sofia::expire")


def _request(entry: Registration) -> dict[str, HeaderValue]:
    return {
        "profile-name": entry.profile,
        "from-user": entry.user,
        "from-host": entry.domain,
        "contact": f'"" <{entry.contact}>',
        "call-id": entry.call_id,
        "rpid": "unknown",
        "status": "Registered(UDP)",
        "expires": str(entry.expires_s),
        "to-user": entry.user,
        "to-host": entry.domain,
        "network-ip": entry.ip,
        "network-port": entry.port,
    }


def _user_fields(user: User) -> dict[str, HeaderValue]:
    fields: dict[str, HeaderValue] = {
        "sip_number_alias": user.id,
        "sip_auth_username": user.id,
        "sip_auth_realm": user.domain,
        "number_alias": user.id,
        "user_name": user.id,
        "domain_name": user.domain,
    }
    fields.update(user.variables)
    return fields
