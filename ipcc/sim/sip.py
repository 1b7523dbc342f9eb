"""What mod_sofia writes into a channel's variables: who sent what, from where, how the call ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipcc.sim import causes

if TYPE_CHECKING:
    from ipcc.sim.channel_variables import VariableValue
    from ipcc.sim.channels import Channel
    from ipcc.sim.kernel import Kernel

_CODECS = "OPUS,G722,PCMU,PCMA,H264,VP8"
_ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, REFER, NOTIFY, UPDATE"


@dataclass(frozen=True)
class InboundCall:
    """An INVITE that reaches the switch from a trunk or a phone.

    ``caller_name`` is the SIP display name as it arrives (any text, hostile or not); ``sip_headers`` are further X- headers;
    ``uuid`` may be chosen by a test, otherwise the switch makes one.
    """

    caller_number: str
    dialled: str
    caller_name: str = ""
    profile: str = "external"
    context: str = "public"
    address: str = "127.0.0.1:6100"
    sip_headers: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    authenticated_user: str = ""
    uuid: str = ""

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0] or self.address

    @property
    def port(self) -> str:
        return self.address.rpartition(":")[2] if ":" in self.address else "5060"


def tag(kernel: Kernel) -> str:
    return f"{kernel.draw(1 << 32):08x}"


def inbound_variables(kernel: Kernel, channel: Channel, call: InboundCall) -> dict[str, VariableValue]:
    """The variables of a call that has just arrived, before the dialplan."""
    domain = kernel.settings.domain
    own_port = kernel.settings.profile_ports.get(call.profile, 5060)
    number, dialled = call.caller_number, call.dialled
    from_tag = tag(kernel)
    display = f'"{call.caller_name}" ' if call.caller_name and call.caller_name != number else ""
    out: dict[str, VariableValue] = {
        "direction": "inbound",
        "uuid": channel.uuid,
        "call_uuid": channel.uuid,
        "session_id": str(channel.session_id),
        "sip_from_user": number,
        "sip_from_uri": f"{number}@{domain}",
        "sip_from_host": domain,
        "video_media_flow": "disabled",
        "audio_media_flow": "disabled",
        "text_media_flow": "disabled",
        "channel_name": channel.name,
        "sip_call_id": f"{kernel.draw(1 << 64):016x}@{call.host}",
        "sip_local_network_addr": kernel.settings.address,
        "sip_network_ip": call.host,
        "sip_network_port": call.port,
        "sip_invite_stamp": str(kernel.stamp_us),
        "sip_received_ip": call.host,
        "sip_received_port": call.port,
        "sip_via_protocol": "udp",
        "sip_from_user_stripped": number.lstrip("+"),
        "sip_from_tag": from_tag,
        "sofia_profile_name": call.profile,
        "sofia_profile_url": f"sip:mod_sofia@{domain}:{own_port}",
        "recovery_profile_name": call.profile,
        "sip_full_via": f"SIP/2.0/UDP {call.address};rport={call.port};branch=z9hG4bK{tag(kernel)}",
        "sip_full_from": f"{display}<sip:{number}@{domain}>;tag={from_tag}",
        "sip_full_to": f"<sip:{dialled}@{domain}>",
    }
    out.update(_request(kernel, call))
    out.update({"sip_h_" + name: value for name, value in call.sip_headers.items()})
    if call.authenticated_user:
        out.update(_authenticated(kernel, call.authenticated_user))
    out.update(call.variables)
    return out


def _request(kernel: Kernel, call: InboundCall) -> dict[str, VariableValue]:
    """What the request line, To, Contact, Via and body of the INVITE say."""
    domain = kernel.settings.domain
    own_port = kernel.settings.profile_ports.get(call.profile, 5060)
    number, dialled = call.caller_number, call.dialled
    return {
        "sip_allow": _ALLOW,
        "sip_req_user": dialled,
        "sip_req_port": str(own_port),
        "sip_req_uri": f"{dialled}@{domain}:{own_port}",
        "sip_req_host": domain,
        "sip_to_user": dialled,
        "sip_to_uri": f"{dialled}@{domain}",
        "sip_to_host": domain,
        "sip_contact_user": number,
        "sip_contact_port": call.port,
        "sip_contact_uri": f"{number}@{call.address}",
        "sip_contact_host": call.host,
        "rtp_use_codec_string": _CODECS,
        "sip_user_agent": kernel.settings.phone_agent,
        "sip_via_host": call.host,
        "sip_via_port": call.port,
        "sip_via_rport": call.port,
        "max_forwards": "70",
        "switch_r_sdp": sdp(call.host, 40000 + kernel.draw(5000) * 2),
        "ep_codec_string": "CORE_PCM_MODULE.PCMU@8000h@20i@64000b",
        "endpoint_disposition": "DELAYED NEGOTIATION",
    }


def _authenticated(kernel: Kernel, user_id: str) -> dict[str, VariableValue]:
    domain = kernel.settings.domain
    out: dict[str, VariableValue] = {
        "sip_authorized": "true",
        "sip_number_alias": user_id,
        "sip_auth_username": user_id,
        "sip_auth_realm": domain,
        "number_alias": user_id,
        "user_name": user_id,
        "domain_name": domain,
    }
    for user in kernel.settings.users:
        if user.id == user_id:
            out.update(user.variables)
    return out


def sdp(host: str, port: int) -> str:
    """A session description as short as a phone's."""
    lines = [
        "v=0",
        f"o=- 1 2 IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
    ]
    return "\r\n".join(lines) + "\r\n"


def acknowledge(channel: Channel) -> None:
    """The ACK of the caller's phone names the dialog: tags, Via and To come anew."""
    known = channel.variables
    if channel.is_down or "sip_full_to" not in known:
        return
    kernel = channel.kernel
    to_tag = tag(kernel)
    again = {name: known[name] for name in ("sip_from_tag", "sip_call_id", "sip_full_from") if name in known}
    port = channel.var("sip_network_port") or "5060"
    via = f"SIP/2.0/UDP {channel.var('sip_network_ip')}:{port};rport={port};branch=z9hG4bK{tag(kernel)}"
    known["sip_to_tag"] = to_tag
    known["sip_from_tag"] = again.get("sip_from_tag", "")
    known["sip_cseq"] = str(kernel.draw(1000))
    known["sip_call_id"] = again.get("sip_call_id", "")
    known["sip_full_via"] = via
    known["sip_full_from"] = again.get("sip_full_from", "")
    known["sip_full_to"] = f"<sip:{channel.var('sip_to_uri')}>;tag={to_tag}"


def ring_variables(channel: Channel, address: str) -> dict[str, VariableValue]:
    """What a provisional answer tells about the phone that rings."""
    host, _, port = address.rpartition(":")
    kernel = channel.kernel
    number = channel.profile.orig_caller_number or "0000000000"
    user = channel.profile.destination
    to_tag, from_tag = tag(kernel), tag(kernel)
    domain = kernel.settings.domain
    return {
        "sip_reply_host": host,
        "sip_reply_port": port,
        "sip_network_ip": host,
        "sip_network_port": port,
        "sip_user_agent": kernel.settings.phone_agent,
        "sip_allow": _ALLOW,
        "sip_recover_contact": f"<sip:{user}@{address}>",
        "sip_full_via": f"SIP/2.0/UDP {domain};rport;branch=z9hG4bK{tag(kernel)}",
        "sip_full_from": f"<sip:{number}@{domain}>;tag={from_tag}",
        "sip_full_to": f"<sip:{user}@{address}>;tag={to_tag}",
        "sip_from_user": number,
        "sip_from_uri": f"{number}@{domain}",
        "sip_to_user": user,
        "sip_to_port": port,
        "sip_to_uri": f"{user}@{address}",
        "sip_to_host": host,
        "sip_contact_user": user,
        "sip_contact_port": port,
        "sip_contact_uri": f"{user}@{address}",
        "sip_contact_host": host,
        "sip_to_tag": to_tag,
        "sip_from_tag": from_tag,
        "sip_cseq": str(kernel.draw(1 << 27)),
        "sip_call_id": kernel.new_uuid(),
    }


def media_variables(channel: Channel) -> dict[str, VariableValue]:
    """What is known once codecs are agreed."""
    kernel = channel.kernel
    address = kernel.settings.address
    return {
        "remote_video_media_flow": "inactive",
        "remote_text_media_flow": "inactive",
        "remote_audio_media_flow": "sendrecv",
        "audio_media_flow": "sendrecv",
        "rtp_audio_recv_pt": "0",
        "rtp_use_codec_name": "PCMU",
        "rtp_use_codec_rate": "8000",
        "rtp_use_codec_ptime": "20",
        "rtp_use_codec_channels": "1",
        "rtp_last_audio_codec_string": "PCMU@8000h@20i@1c",
        "read_codec": "PCMU",
        "original_read_codec": "PCMU",
        "read_rate": "8000",
        "original_read_rate": "8000",
        "write_codec": "PCMU",
        "write_rate": "8000",
        "dtmf_type": "rfc2833",
        "local_media_ip": address,
        "local_media_port": str(16384 + kernel.draw(8000) * 2),
        "advertised_media_ip": address,
        "rtp_use_timer_name": "soft",
        "rtp_use_pt": "0",
        "rtp_use_ssrc": str(kernel.draw(1 << 32)),
        "rtp_2833_send_payload": "101",
        "rtp_2833_recv_payload": "101",
        "remote_media_ip": address,
        "remote_media_port": str(40000 + kernel.draw(5000) * 2),
    }


def refused_variables(code: int, phrase: str, disposition: str, cause: str) -> dict[str, VariableValue]:
    """How an INVITE failed: refused by the phone (486 …) or taken back by the caller (487)."""
    return {
        "sip_hangup_disposition": disposition,
        "sip_invite_failure_status": str(code),
        "sip_invite_failure_phrase": phrase,
        "sip_term_status": str(code),
        "proto_specific_hangup_cause": f"sip:{code}",
        "sip_term_cause": str(causes.NUMBERS.get(cause, 16)),
    }


def bye_variables(cause: str) -> dict[str, VariableValue]:
    """What a BYE from the phone leaves behind."""
    return {
        "sip_term_status": "200",
        "proto_specific_hangup_cause": "sip:200",
        "sip_term_cause": str(causes.NUMBERS.get(cause, 16)),
    }
