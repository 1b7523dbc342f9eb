"""Every payload by its type: the one list from which decoding, schemas and the AsyncAPI document are made."""

from __future__ import annotations

from ipcc.contracts.acd import ACD_PAYLOADS
from ipcc.contracts.alert import ALERT_PAYLOADS
from ipcc.contracts.audit import AUDIT_PAYLOADS
from ipcc.contracts.call import CALL_PAYLOADS
from ipcc.contracts.callback import CALLBACK_PAYLOADS
from ipcc.contracts.config import CONFIG_PAYLOADS
from ipcc.contracts.digital import DIGITAL_PAYLOADS
from ipcc.contracts.ivr import IVR_PAYLOADS
from ipcc.contracts.outbound import OUTBOUND_PAYLOADS
from ipcc.contracts.payload import Payload
from ipcc.contracts.recording import RECORDING_PAYLOADS
from ipcc.contracts.reply import REPLY_PAYLOADS

PAYLOADS: dict[str, type[Payload]] = {
    kind.TYPE: kind
    for kind in (
        *CALL_PAYLOADS,
        *ACD_PAYLOADS,
        *CALLBACK_PAYLOADS,
        *DIGITAL_PAYLOADS,
        *IVR_PAYLOADS,
        *RECORDING_PAYLOADS,
        *OUTBOUND_PAYLOADS,
        *CONFIG_PAYLOADS,
        *ALERT_PAYLOADS,
        *AUDIT_PAYLOADS,
        *REPLY_PAYLOADS,
    )
}
