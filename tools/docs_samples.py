"""One sample of every payload as it was published: made when there is none, never changed afterwards."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import orjson
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from ipcc.contracts.catalogue import PAYLOADS
from ipcc.contracts.envelope import encode, wrap
from ipcc.contracts.payload import Payload

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "samples"
_TIME = datetime(2026, 1, 5, 9, 0, 0, 120_000, tzinfo=UTC)
_EVENT = "019b8d10-0000-7000-8000-000000000001"

# invented, and telling: what a reader of a sample should see under a name
_BY_NAME: Mapping[str, Any] = {
    "call_id": "5c1b6f0e-3f52-4a57-9d5e-5f0a4f6f0c01",
    "leg_id": "5c1b6f0e-3f52-4a57-9d5e-5f0a4f6f0c01",
    "other_leg_id": "2f0d6a94-8a39-5f4b-9a52-0a9be3f1f802",
    "offer_id": "2f0d6a94-8a39-5f4b-9a52-0a9be3f1f802",
    "recording_id": "2f0d6a94-8a39-5f4b-9a52-0a9be3f1f802",
    "entry_id": "7b9a2c1d-4e6f-5a80-b1c2-d3e4f5a6b703",
    "session_id": "019b8d10-0000-7000-8000-00000000000a",
    "attempt_id": "019b8d10-0000-7000-8000-00000000000b",
    "notification_id": "n-2026-0001",
    "alert_id": "0d3c5b7a-9e8f-5a61-8b42-c3d4e5f6a704",
    "agent_id": "1001",
    "phone_id": "1001",
    "queue_id": "retail",
    "node_id": "fs1",
    "flow_id": "bank-main",
    "campaign_id": "notifications",
    "object_id": "retail",
    "domain": "default",
    "kind": "queue",
    "caller_number": "13800000001",
    "phone_number": "13800000001",
    "caller_name": '王"小明": x%0A',
    "dialled_number": "95500",
    "address": "1001",
    "trunk": "demo",
    "owner": "acd",
    "entry_point": "main",
    "language": "zh",
    "reason": "lunch",
    "cause": "NORMAL_CLEARING",
    "cause_text": "NO_ANSWER",
    "q850": 16,
    "hung_up_by": "far_end",
    "outcome": "completed",
    "operation": "balance",
    "flow_node": "menu",
    "last_flow_node": "bye",
    "input_kind": "digits",
    "rule": "I1",
    "topic": "ipcc.acd.command.v1",
    "name": "recordings/5c1b6f0e-3f52-4a57-9d5e-5f0a4f6f0c01/2f0d6a94-8a39-5f4b-9a52-0a9be3f1f802.wav",
    "location": "2026/01/05/2f0d6a94-8a39-5f4b-9a52-0a9be3f1f802.wav",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "prompts": ["welcome", "goodbye"],
    "skills": {"banking": 1},
    "attributes": {"customer_id": "c1001", "language": "zh", "path": "language > menu"},
    "data": {"customer_level": "gold"},
    "place": {"_language": "zh", "_path": "language>menu", "_visits": "2", "_since": "2026-01-05T09:00:00+00:00"},
    "why": {"rule": "longest_idle", "candidates": [{"agent_id": "1001", "idle_s": 12.5, "tries": 0}]},
    "inputs": {"ipcc.acd.command.v1/0": 7},
    "state": {"format": 1},
    "result": {"position": 1},
    "details": {"queue_id": "retail"},
    "asker": "ivr-0",
    "code": "acd.queue_full",
    "message": "200 wait in retail already",
    "error": "NotNow",
    "status": 409,
    "priority": 5,
    "epoch": 3,
    "version": 1,
    "number": 1,
    "attempts": 1,
    "channels": 2,
}
# where a name alone would say something else than happens
_BY_KIND: Mapping[str, dict[str, Any]] = {
    "ConfigChanged": {"object": {"kind": "queue", "id": "retail", "name": "个人业务", "skills": {"banking": 1}}},
    "CallArrived": {"owner": "", "role": "customer"},
    "LegStarted": {"leg_id": _BY_NAME["offer_id"], "role": "agent"},
    "LegRinging": {"leg_id": _BY_NAME["offer_id"]},
    "LegAnswered": {"leg_id": _BY_NAME["offer_id"], "role": "agent"},
    "LegEnded": {"leg_id": _BY_NAME["offer_id"], "role": "agent"},
    "PhoneChanged": {"reason": "registered"},
    "LeaveQueue": {"outcome": "transferred", "target": "cards"},
    "Enqueue": {"call_id": "chat-20260105-0001", "leg_id": "", "node_id": "", "queue_id": "web"},
    "AgentMediumChanged": {"medium": "chat", "offered": 0, "serving": 2, "wrapping": 1, "capacity": 3, "reason": ""},
    "ContactEnded": {"medium": "chat", "call_id": "chat-20260105-0001", "queue_id": "web"},
    "EntryEnded": {"target": ""},
    "OfferEnded": {"cause_text": ""},
    "CallbackTried": {"outcome": "busy", "leg_id": "9a3d5c1e-7f20-5b64-8c11-0d2e4f6a8b07", "cause_text": "USER_BUSY"},
    "CallbackDialled": {"leg_id": "9a3d5c1e-7f20-5b64-8c11-0d2e4f6a8b07"},
    "AgentChanged": {"state": "not_ready", "then_reason": "", "offer_id": "", "call_id": ""},
    "NodeLeft": {"outcome": "key 1", "kind": "menu"},
    "NodeEntered": {"kind": "menu"},
    "BankOperationDone": {"outcome": "refused", "code": "pin_wrong", "operation": "verify_pin"},
    "ConsentAnswered": {
        "flow_id": "agent-transfer",
        "flow_node": "consent",
        "about": "transfer",
        "outcome": "agreed",
        "said": [
            "order/agent",
            "digits=ordered_by",
            "order/prepared",
            "order/transfer",
            "amount-said",
            "amount=amount",
        ],
        "by": "1001",
    },
    "ListOrders": {"roles": ["agent"], "skills": ["banking"]},
    "CheckOrder": {"flow_id": "agent-transfer", "roles": ["agent"], "skills": ["banking"], "by": "1001"},
    "RunFlow": {"roles": ["agent"], "skills": ["banking"]},
    "AlertRaised": {"severity": "critical", "text": "an entry is offered to two agents at once"},
    "RecordingStarted": {"leg_id": _BY_NAME["recording_id"]},
    "RecordingStored": {"leg_id": _BY_NAME["recording_id"]},
    "RecordingFailed": {"leg_id": _BY_NAME["recording_id"], "reason": "missing"},
    "AttemptStarted": {"call_id": _BY_NAME["attempt_id"]},
    "AttemptEnded": {"call_id": _BY_NAME["attempt_id"], "cause": ""},
}


def name_of(kind: type[Payload]) -> str:
    """The file of the present version."""
    return f"{kind.TYPE}.v{kind.VERSION}.json"


def missing() -> dict[Path, str]:
    """The samples that are not there yet."""
    return {FOLDER / name_of(kind): sample(kind) for kind in PAYLOADS.values() if not (FOLDER / name_of(kind)).exists()}


def sample(kind: type[Payload]) -> str:
    """An event of this kind with every field filled."""
    data = {name: _value(name, field) for name, field in kind.model_fields.items()} | _BY_KIND.get(kind.__name__, {})
    event = wrap(kind.model_validate(data), event_id=_EVENT, source="sample/sample-0", time=_TIME)
    return json.dumps(orjson.loads(encode(event)), indent=1, ensure_ascii=False) + "\n"


def _value(name: str, field: FieldInfo) -> Any:
    found = _fitting(name, field.annotation)
    return found if found is not None else field.get_default(call_default_factory=True)


def _fitting(name: str, kind: Any) -> Any:
    origin = get_origin(kind)
    if origin is Annotated:
        return _fitting(name, get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return next((_fitting(name, part) for part in get_args(kind) if part is not type(None)), None)
    if origin is Literal:
        return get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {inner: _value(inner, field) for inner, field in kind.model_fields.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    known = _BY_NAME.get(name)
    return known if known is not None else _plain(name, kind)


def _plain(name: str, kind: Any) -> Any:
    if kind is bool:
        return True
    if kind is int:
        return 1200 if re.search(r"_(ms|bytes)$", name) else 1
    if kind is float:
        return 0.5
    if kind is str:
        return name.replace("_", "-")
    return _TIME.isoformat() if kind in (datetime, AwareDatetime) else None
