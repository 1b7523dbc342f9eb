"""A flow for every kind of node, each behind a number of its own: a caller is at the node ``mid`` and may hang up there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ipcc.cli.plan import DEMO_ORGANISATION, Plan

AFTER = {"kind": "play", "prompts": ["welcome"], "next": "end"}
END = {"kind": "hang_up"}
SPOKEN = {
    "balance": {"phrases": {"zh": ["余额"], "en": ["balance"]}, "next": "end"},
    "hours": {"phrases": {"zh": ["营业时间"], "en": ["opening hours"]}, "key": "5", "next": "end"},
}
ALWAYS = [{"days": [1, 2, 3, 4, 5, 6, 7], "begin": "00:00", "end": "23:59:59"}]


@dataclass(frozen=True)
class Middle:
    """``node`` is the one in question. The caller hangs up once he hears ``prompt`` (empty: has come to the node) and keyed
    ``keys``; ``outcomes`` are the ends his session may have.

    ``before`` leads to the node when it needs something; ``more`` are further nodes or the flow that is fitted in.
    """

    kind: str
    node: Mapping[str, Any]
    prompt: str = ""
    keys: str = ""
    outcomes: tuple[str, ...] = ("hung_up",)
    application: str = ""
    """What the switch must be doing for him, besides."""
    before: Mapping[str, Any] | None = None
    part: Mapping[str, Any] | None = None


def failing(target: str, *ways: str) -> dict[str, str]:
    return dict.fromkeys(ways, target)


def middles(pin: str) -> tuple[Middle, ...]:
    """Every kind; of the PIN he keys all but the last digit."""
    return (*_asking(pin), *_working(), *_passing())


def _asking(pin: str) -> tuple[Middle, ...]:
    """Where he is spoken to and keys."""
    sums = {"kind": "set", "values": {"sum": "1234567.89"}, "next": "mid"}
    return (
        Middle("play", {"prompts": ["main-menu"], "next": "end"}, "main-menu"),
        Middle("say", {"before": ["balance-is"], "value": {"amount": "sum"}, "next": "end"}, "balance-is", before=sums),
        Middle(
            "menu", {"prompts": ["main-menu"], "choices": {"1": {"next": "end"}}, "on_failure": "end"}, "main-menu", "9"
        ),
        Middle(
            "collect",
            {"prompts": ["enter-pin"], "variable": "pin", "secret": True, "min_digits": 6, "max_digits": 6}
            | failing("end", "next", "on_failure"),
            "enter-pin",
            pin[:-1],
        ),
        Middle(
            "identify",
            failing("end", "next", "on_failure", "on_locked", "on_blocked", "on_unavailable"),
            "enter-pin",
            pin[:-1],
        ),
        Middle(
            "consent",
            {"about": "loss", "prompts": ["order/agree"]} | failing("end", "next", "on_refused", "on_failure"),
            "order/agree",
        ),
    )


def _working() -> tuple[Middle, ...]:
    """Where he waits for others, or they for him."""
    asks = {"kind": "collect", "prompts": ["enter-card"], "variable": "card_no", "secret": True}
    asks |= {"min_digits": 12, "max_digits": 19, "next": "mid", "on_failure": "end"}
    unavailable = failing("end", "on_refused", "on_unavailable")
    silence = {"longest_s": 30, "silence_s": 20, "next": "end", "on_nothing": "end"}
    return (
        Middle(
            "bank",
            {"operation": "balance", "inputs": {"card_no": "card_no"}, "outputs": {"balance": "sum"}, "next": "end"}
            | unavailable,
            before=asks,
        ),
        Middle(
            "http",
            {"service": "slow", "path": "/points", "timeout_s": 20, "next": "end"} | unavailable,
        ),
        Middle("record", {"prompts": ["leave-message"], **silence}, "leave-message", application="record"),
        Middle(
            "voicemail",
            {"prompts": ["leave-message"], "queue": "retail", **silence},
            "leave-message",
            application="record",
        ),
        Middle(
            "recognise",
            {"prompts": ["main-menu"], "choices": SPOKEN, "silence_s": 5, "longest_s": 30}
            | failing("end", "on_unavailable", "on_failure"),
            "main-menu",
            application="record",
        ),
        Middle("queue", {"queue": "retail", "on_refused": "end", "on_overflow": "end"}),
        Middle(
            "transfer",
            {"to": "phone", "number": "1006"} | failing("end", "on_busy", "on_no_answer", "on_failure"),
            application="ring",
        ),
        Middle(
            "survey",
            {
                "survey": "satisfaction",
                "questions": [{"id": "one", "prompts": ["rate-service"]}, {"id": "two", "prompts": ["enter-amount"]}],
                "next": "end",
            },
            "enter-amount",
        ),
    )


def _passing() -> tuple[Middle, ...]:
    """Where he does not stay: he hangs up at what comes right behind."""
    return (
        Middle(
            "sub_flow",
            {"flow": "part", "outcomes": {"done": "end"}},
            "main-menu",
            part={"in": {"kind": "play", "prompts": ["main-menu"], "next": "out"}, "out": {"kind": "return"}},
        ),
        Middle(
            "return",
            {"flow": "straight-back", "outcomes": {"done": "after"}},
            "welcome",
            part={"in": {"kind": "return"}},
        ),
        Middle("language", {"language": "en", "next": "after"}, "welcome"),
        Middle("opening_hours", {"open": ALWAYS, "next": "after", "on_closed": "end"}, "welcome"),
        Middle("decide", {"choices": [{"when": "language == 'zh'", "next": "after"}], "on_else": "end"}, "welcome"),
        Middle("set", {"values": {"colour": "green"}, "next": "after"}, "welcome"),
        Middle("hang_up", {}, outcomes=("hung_up", "completed"), before=AFTER | {"next": "mid"}),
    )


def plan_of(plan: Plan, folder: Path, wanted: tuple[Middle, ...]) -> Plan:
    """``plan`` with these flows and a number for each: 96000 and what follows, in their order."""
    organisation = yaml.safe_load(DEMO_ORGANISATION.read_text(encoding="utf-8"))
    flows = folder / "flows"
    flows.mkdir()
    organisation["entry_points"] = []
    for number, middle in enumerate(wanted):
        name = f"hang-up-in-{middle.kind.replace('_', '-')}"
        point = {"id": name, "name": name, "number": number_of(number), "flow": name, "organisation": "bank"}
        organisation["entry_points"].append(point)
        for flow in _flows(name, middle):
            (flows / f"{flow['id']}.json").write_text(json.dumps(flow), encoding="utf-8")
    path = folder / "organisation.yaml"
    path.write_text(yaml.safe_dump(organisation, allow_unicode=True), encoding="utf-8")
    return replace(plan, flows=flows, organisation=path)


def number_of(index: int) -> str:
    """What is dialled for the flow of that place."""
    return str(96000 + index)


def _flows(name: str, middle: Middle) -> list[dict[str, Any]]:
    kind = "sub_flow" if middle.part else middle.kind
    nodes: dict[str, Any] = {"mid": {"kind": kind, **middle.node}, "after": AFTER, "end": END}
    if middle.before:
        nodes["before"] = middle.before
    start = "before" if middle.before else "mid"
    found = [_flow(name, start, _reached(nodes, start))]
    if middle.part:
        found.append(_flow(middle.node["flow"], "in", middle.part))
    return found


def _reached(nodes: Mapping[str, Any], start: str) -> dict[str, Any]:
    """A flow with a node to which no way leads is refused."""
    reached = {start: nodes[start]}
    while more := {at: nodes[at] for at in nodes.keys() - reached.keys() if f'"{at}"' in json.dumps(reached)}:
        reached |= more
    return reached


def _flow(name: str, start: str, nodes: Mapping[str, Any]) -> dict[str, Any]:
    flow = {"id": name, "version": 1, "name": {"en": name, "zh": name}, "languages": ["zh", "en"]}
    return {**flow, "start": start, "resume": start, "nodes": dict(nodes)}
