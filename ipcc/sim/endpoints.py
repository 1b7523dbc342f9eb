"""From a destination to an outgoing channel: directory users, gateways, SIP addresses (endpoints of mod_sofia and mod_dptools)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ipcc.sim import loopback, session, signalling, sip
from ipcc.sim.channel_variables import VariableValue
from ipcc.sim.channels import Channel
from ipcc.sim.outputs import PhoneInvited
from ipcc.sim.profiles import OtherLeg, Profile, Times
from ipcc.sim.states import Flag, State

if TYPE_CHECKING:
    from ipcc.sim.kernel import Kernel
    from ipcc.sim.settings import User


_NULL = "null"
"""The endpoint without a phone: it answers by itself and hears nothing."""


@dataclass(frozen=True)
class Target:
    """Where an INVITE goes to."""

    endpoint: str
    channel_name: str
    destination: str
    address: str
    profile: str
    user: User | None = None
    gateway: str = ""
    variables: dict[str, VariableValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """No leg came about; ``leaves_trace`` where the switch still destroys a half-made session (fact 4, 06g)."""

    cause: str
    leaves_trace: bool = False


@dataclass(frozen=True)
class Request:
    """What to dial: the variables that apply to this leg, and the channel that asks for it."""

    variables: tuple[tuple[str, str], ...]
    caller: Channel | None = None

    def get(self, name: str) -> str:
        """The last value given for ``name``."""
        return dict(self.variables).get(name, "")


def find_target(kernel: Kernel, endpoint: str) -> Target | Failure:
    """What ``endpoint`` stands for."""
    kind, _, rest = endpoint.partition("/")
    if kind == "user":
        return _user(kernel, rest)
    if kind == "sofia":
        return _sofia(kernel, rest)
    if kind == "error":
        return Failure(rest.upper())
    if kind == _NULL and rest:
        return Target(endpoint, channel_name=endpoint, destination=rest, address="", profile=_NULL)
    return Failure("DESTINATION_OUT_OF_ORDER" if kind and rest else "UNALLOCATED_NUMBER")


def find_user(kernel: Kernel, text: str) -> User | None:
    user_id, _, domain = text.partition("@")
    wanted = domain or kernel.settings.domain
    return next((user for user in kernel.settings.users if user.id == user_id and user.domain == wanted), None)


def _user(kernel: Kernel, text: str) -> Target | Failure:
    user = find_user(kernel, text)
    if user is None:
        return Failure("SUBSCRIBER_ABSENT")
    registration = kernel.registrar.find(user.id, user.domain)
    if registration is None:
        return Failure("USER_NOT_REGISTERED")
    return Target(
        endpoint=f"sofia/{registration.profile}/{registration.contact}",
        channel_name=f"sofia/{registration.profile}/{user.id}@{registration.address}",
        destination=user.id,
        address=registration.address,
        profile=registration.profile,
        user=user,
        variables={
            "dialed_user": user.id,
            "dialed_domain": user.domain,
            "sip_invite_domain": user.domain,
            "presence_id": f"{user.id}@{user.domain}",
        },
    )


def _sofia(kernel: Kernel, text: str) -> Target | Failure:
    first, _, rest = text.partition("/")
    if first == "gateway":
        return _gateway(kernel, rest)
    if first not in kernel.settings.profile_ports:
        return Failure("INVALID_PROFILE", leaves_trace=True)
    rest = rest.removeprefix("sip:")
    if "%" in rest and "@" not in rest:
        user_id, _, domain = rest.partition("%")
        registration = kernel.registrar.find(user_id, domain)
        if registration is None:
            return Failure("USER_NOT_REGISTERED", leaves_trace=True)
        rest = f"{user_id}@{registration.address}"
    number, at, address = rest.partition("@")
    if not at:
        return Failure("INVALID_URL", leaves_trace=True)
    address = address.partition(";")[0]
    return Target(
        endpoint=f"sofia/{first}/sip:{number}@{address}",
        channel_name=f"sofia/{first}/{rest}",
        destination=number,
        address=address if ":" in address else f"{address}:5060",
        profile=first,
    )


def _gateway(kernel: Kernel, text: str) -> Target | Failure:
    name, _, number = text.partition("/")
    gateway = next((entry for entry in kernel.settings.gateways if entry.name == name), None)
    if gateway is None:
        return Failure("INVALID_GATEWAY", leaves_trace=True)
    return Target(
        endpoint=f"sofia/gateway/{name}/{number}",
        channel_name=f"sofia/{gateway.profile}/{number}",
        destination=number,
        address=gateway.proxy,
        profile=gateway.profile,
        gateway=name,
    )


def dial(kernel: Kernel, endpoint: str, request: Request) -> Channel | Failure:
    """Make the outgoing channel and send its INVITE."""
    if endpoint.startswith("loopback/") and not kernel.paused_outbound:
        return loopback.dial(kernel, endpoint.removeprefix("loopback/"), request.variables)
    target = find_target(kernel, endpoint)
    uuid = request.get("origination_uuid") or kernel.new_uuid()
    if kernel.paused_outbound or uuid in kernel.channels:
        return Failure("DESTINATION_OUT_OF_ORDER")
    if isinstance(target, Failure):
        if target.leaves_trace:
            _leave_trace(kernel, uuid)
        return target
    channel = _make_channel(kernel, target, request, uuid)
    kernel.add(channel)
    channel.variables.update(_variables(kernel, channel, target, request))
    channel.state = State.INIT
    kernel.emit(channel, "CHANNEL_OUTGOING", drop=("Channel-Presence-ID",))
    session.start(channel)
    if target.profile == _NULL:
        channel.is_local = True
        kernel.timeline.after(0, lambda: signalling.answer(channel))
    else:
        _send(kernel, _invitation(channel, target, request))
    return channel


def _send(kernel: Kernel, invitation: PhoneInvited) -> None:
    def arrive() -> None:
        if not kernel.invite_self(invitation):
            kernel.put(invitation)

    if invitation.address.rpartition(":")[2] in map(str, kernel.settings.profile_ports.values()):
        # it is there once the leg that dials has begun
        kernel.timeline.after(0, arrive)
    else:
        kernel.put(invitation)


def _leave_trace(kernel: Kernel, uuid: str) -> None:
    kernel.counters.sessions += 1
    ghost = Channel(kernel, uuid, "N/A", "outbound", Profile())
    ghost.variables.update(
        {
            "direction": "outbound",
            "is_outbound": "true",
            "uuid": uuid,
            "call_uuid": uuid,
            "session_id": str(kernel.counters.sessions),
        }
    )
    kernel.emit(ghost, "CHANNEL_DESTROY", drop=("Caller-",))


def _make_channel(kernel: Kernel, target: Target, request: Request, uuid: str) -> Channel:
    caller = request.caller
    name = request.get("origination_caller_id_name") or (_caller_name(caller) if caller else "")
    number = request.get("origination_caller_id_number") or (_caller_number(caller) if caller else "0000000000")
    now = kernel.stamp_us
    profile = Profile(
        dialplan=caller.profile.dialplan if caller else "",
        username=caller.profile.username if caller else "",
        caller_name=_sanitized(name),
        caller_number=_sanitized(number),
        orig_caller_name=caller.profile.orig_caller_name if caller else name,
        orig_caller_number=caller.profile.orig_caller_number if caller else number,
        callee_name=request.get("origination_callee_id_name") or "Outbound Call",
        callee_number=request.get("origination_callee_id_number") or target.destination,
        network_addr=caller.profile.network_addr if caller else "",
        ani=caller.profile.ani if caller else number,
        destination=target.destination,
        source=caller.profile.source if caller else "src/switch_ivr_originate.c",
        context=caller.profile.context if caller else "default",
        uuid=kernel.new_uuid(),
        direction="outbound",
        logical_direction="inbound" if caller else "outbound",
        times=Times(profile_created=now, created=now),
    )
    channel = Channel(kernel, uuid, target.channel_name, "outbound", profile, sofia_profile=target.profile)
    channel.flags.add(Flag.ORIGINATING)
    channel.initial = (name, number, profile.network_addr, target.destination, profile.dialplan, profile.context)
    if target.user:
        channel.presence_id = f"{target.user.id}@{target.user.domain}"
    if caller:
        channel.other = OtherLeg(
            "originator", caller.uuid, caller.name, replace(caller.profile, times=replace(caller.profile.times))
        )
    return channel


def _sanitized(text: str) -> str:
    """A caller's name or number as an outgoing leg has it (switch_utils.c, switch_sanitize_number)."""
    return text.partition("@")[0].rpartition("/")[2].rpartition(":")[2]


def _caller_name(caller: Channel) -> str:
    return caller.var("effective_caller_id_name") or caller.profile.caller_name


def _caller_number(caller: Channel) -> str:
    return caller.var("effective_caller_id_number") or caller.profile.caller_number


def _variables(kernel: Kernel, channel: Channel, target: Target, request: Request) -> dict[str, VariableValue]:
    domain = kernel.settings.domain
    port = kernel.settings.profile_ports.get(target.profile, 5060)
    out: dict[str, VariableValue] = {
        "direction": "outbound",
        "is_outbound": "true",
        "uuid": channel.uuid,
        "call_uuid": channel.uuid,
        "session_id": str(channel.session_id),
    }
    if target.gateway:
        out["sip_gateway_name"] = target.gateway
    out["sip_local_network_addr"] = kernel.settings.address
    out["sip_profile_name"] = "gateway" if target.gateway else target.profile
    out["text_media_flow"] = "disabled"
    out["channel_name"] = channel.name
    out["sip_destination_url"] = f"sip:{target.destination}@{target.address}"
    if request.caller:
        request.caller.set_var("originate_signal_bond", channel.uuid)
        out.update(_exported(request.caller))
        out["signal_bond"] = request.caller.uuid
    for name, value in request.variables:
        out[name] = _array(value)
    out.update(target.variables)
    out["originate_early_media"] = "false" if request.get("ignore_early_media").lower() == "true" else "true"
    out["originate_endpoint"] = "sofia"
    out["rtp_use_codec_string"] = "OPUS,G722,PCMU,PCMA,H264,VP8"
    out["local_media_ip"] = kernel.settings.address
    out["local_media_port"] = str(16384 + kernel.draw(8000) * 2)
    out["advertised_media_ip"] = kernel.settings.address
    out["audio_media_flow"] = "sendrecv"
    out["rtp_local_sdp_str"] = sip.sdp(kernel.settings.address, 16384 + kernel.draw(8000) * 2)
    out["sip_outgoing_contact_uri"] = f"<sip:mod_sofia@{domain}:{port}>"
    out["sip_req_uri"] = f"{target.destination}@{target.address}"
    out["sip_to_host"] = target.address
    out["sip_from_host"] = domain
    out["sofia_profile_name"] = target.profile
    out["recovery_profile_name"] = target.profile
    out["sofia_profile_url"] = f"sip:mod_sofia@{domain}:{port}"
    return out


def _array(value: str) -> VariableValue:
    if value.startswith("ARRAY::"):
        return value[len("ARRAY::") :].split("|:")
    return value


def _exported(caller: Channel) -> dict[str, VariableValue]:
    out: dict[str, VariableValue] = {}
    for name in (caller.var("export_vars") or "").split(","):
        if value := caller.variables.get(name):
            out[name] = value
    out["originator"] = caller.uuid
    return out


def _invitation(channel: Channel, target: Target, request: Request) -> PhoneInvited:
    headers = {}
    for name, value in channel.variables.items():
        if name.startswith("sip_h_") and isinstance(value, str):
            headers[name.removeprefix("sip_h_")] = value
    profile = channel.profile
    return PhoneInvited(
        endpoint=target.endpoint,
        uuid=channel.uuid,
        user=target.destination,
        address=target.address,
        caller_number=profile.caller_number,
        # decoded once (mod_sofia.h, check_decode), line breaks and all: what must not be an end of a header line is sent as %25
        caller_name=unquote(profile.caller_name or request.get("origination_caller_id_name")),
        sip_headers=headers,
    )
