"""What an agent orders of a flow, held against the form the flow declares: who may, and which values are ones. Pure.

No error says a value: it may be a customer's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal

from ipcc.contracts.order import OrderForm, OrderInput
from ipcc.errors import Invalid, NotAllowed
from services.ivr.core.flow import Flow
from services.ivr.core.nodes.bank import BankNode
from services.ivr.core.nodes.consent import ConsentNode
from services.ivr.core.nodes.return_ import ReturnNode

BY = "ordered_by"
"""The private variable that says who has ordered."""
CURRENCIES = frozenset({"CNY", "USD", "EUR", "HKD"})
_ACCOUNT, _PHONE = re.compile(r"[0-9]{8,19}"), re.compile(r"[0-9]{5,20}")
_CENTS, _RATE = re.compile(r"[0-9]{1,11}"), re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def form_of(flow: Flow) -> OrderForm:
    """Raises Invalid (order.not_offered) for a flow of which nothing can be ordered."""
    if flow.order is None:
        raise Invalid("order.not_offered", f"flow {flow.id} does not say what may be ordered of it")
    return flow.order


def check_right(flow: Flow, roles: Collection[str], skills: Collection[str]) -> None:
    """Raises NotAllowed (order.role, order.skill)."""
    form = form_of(flow)
    if form.role not in roles and "supervisor" not in roles:
        raise NotAllowed("order.role", f"flow {flow.id} is ordered by a {form.role}", role=form.role)
    if form.skill and form.skill not in skills:
        raise NotAllowed("order.skill", f"flow {flow.id} needs the skill {form.skill}", skill=form.skill)


def read_inputs(form: OrderForm, given: Mapping[str, str]) -> dict[str, str]:
    """The variables the flow is told. Raises Invalid naming the field: order.unknown_input, order.missing_input or
    order.invalid_input."""
    for name in given:
        if name not in form.inputs:
            raise Invalid("order.unknown_input", f"{name[:40]!r} is no field of this order", field=name[:40])
    found = {}
    for name, field in form.inputs.items():
        value = given.get(name, "")
        if value:
            found[name] = _read(name, field, value)
        elif field.required:
            raise Invalid("order.missing_input", f"{name} is missing: {field.label.en}", field=name)
        elif field.default:
            found[name] = field.default
    return found


def _read(name: str, field: OrderInput, value: str) -> str:
    read = {
        "account": lambda: _matching(_ACCOUNT, value),
        "phone": lambda: _matching(_PHONE, value),
        "number": lambda: _digits(field, value),
        "amount": lambda: _amount(field, value),
        "rate": lambda: _rate(value),
        "currency": lambda: value if value in CURRENCIES else "",
        "date": lambda: _date(value),
        "choice": lambda: value if value in field.choices else "",
    }[field.type]()
    if not read:
        raise Invalid(
            "order.invalid_input", f"{name} is no {field.type}: {field.label.en}", field=name, type=field.type
        )
    return read


def _matching(pattern: re.Pattern[str], value: str) -> str:
    return value if pattern.fullmatch(value) else ""


def _digits(field: OrderInput, value: str) -> str:
    fits = value.isascii() and value.isdigit() and field.min_digits <= len(value) <= field.max_digits
    return value if fits else ""


def _amount(field: OrderInput, value: str) -> str:
    """Cents as the decimal text of flows."""
    if not _CENTS.fullmatch(value):
        return ""
    cents = int(value)
    if cents > field.most_cents or (cents == 0 and not field.may_be_zero):
        return ""
    return f"{cents // 100}.{cents % 100:02d}"


def _rate(value: str) -> str:
    return value if _RATE.fullmatch(value) and Decimal(value) > 0 else ""


def _date(value: str) -> str:
    try:
        return value if date.fromisoformat(value).isoformat() == value else ""
    except ValueError:
        return ""


def find_order_faults(flow: Flow, secrets: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Why what ``flow`` offers to agents cannot be offered so: node (or ``order``), reason in English and in Chinese."""
    if flow.order is None:
        return
    if not flow.is_part:
        yield "order", "a flow that agents may order needs a return node", "可由座席发起的流程须有返回节点"
    yield from _unfit_inputs(flow, flow.order, secrets)
    given_back = {name for node in flow.nodes.values() if isinstance(node, ReturnNode) for name in node.results}
    for name in flow.order.results:
        if name not in given_back:
            yield "order", f"no return node gives back {name}", f"没有返回节点给出结果 {name}"
    yield from _without_consent(flow, flow.order)


def _unfit_inputs(flow: Flow, form: OrderForm, secrets: Collection[str]) -> Iterator[tuple[str, str, str]]:
    used = {name for node in flow.nodes.values() for name in (*node.needs(), *node.reveals())}
    found_out = {name for node in flow.nodes.values() for name in node.sets()}
    for name in form.inputs:
        if name in secrets:
            yield "order", f"{name} is a secret: the customer alone keys it", f"{name} 为机密，只能由客户输入"
        elif name in found_out:
            yield "order", f"{name} is found out by the flow itself", f"{name} 由流程自行取得"
        elif name not in used:
            yield "order", f"no node uses the input {name}", f"没有节点使用输入项 {name}"


def _without_consent(flow: Flow, form: OrderForm) -> Iterator[tuple[str, str, str]]:
    """What can be come to without the customer's yes, and must not be."""
    for name in sorted(_reached_without_consent(flow)):
        node = flow.nodes[name]
        if isinstance(node, BankNode) and node.moves:
            yield name, "asks the bank to move something without consent", "未经客户同意即请求银行办理业务"
        if isinstance(node, ReturnNode) and not node.next and set(node.results) & form.results.keys():
            yield name, "shows the agent results without consent", "未经客户同意即向座席显示结果"


def _reached_without_consent(flow: Flow) -> set[str]:
    handlers = (flow.on_error, *flow.on_errors.values(), *flow.keys.values())
    waiting = [name for name in (flow.start, flow.resume, *handlers) if name in flow.nodes]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = flow.nodes[name]
        ways = (node.on_refused, node.on_failure) if isinstance(node, ConsentNode) else node.targets()
        waiting += ways
    return seen
