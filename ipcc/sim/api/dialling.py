"""originate: dial somebody and give the leg an application or an extension."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipcc.sim import dialstring, display, originate
from ipcc.sim.api.parts import usage
from ipcc.sim.channels import Extension
from ipcc.sim.states import Flag, State
from ipcc.sim.transfer import session_transfer

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.kernel import Kernel
    from ipcc.sim.timeline import Steps

USAGE = usage(
    "<call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] [<cid_name>] [<cid_num>] [<timeout_sec>]"
)


@dataclass(frozen=True)
class Order:
    """The arguments of one originate."""

    dial: dialstring.DialString
    target: str
    dialplan: str = ""
    context: str = ""
    caller_name: str = ""
    caller_number: str = ""
    timeout_s: int = 0


def read_order(argument: str) -> Order | None:
    """The arguments, or None if there are too few."""
    words = dialstring.split_arguments(argument)
    if len(words) < 2:
        return None
    words += [""] * (7 - len(words))
    timeout = words[6]
    return Order(
        dial=dialstring.parse(words[0]),
        target=words[1],
        dialplan=_given(words[2]),
        context=_given(words[3]),
        caller_name=_given(words[4]),
        caller_number=_given(words[5]),
        timeout_s=int(timeout) if timeout.isdigit() else 0,
    )


def _given(word: str) -> str:
    return "" if word.lower() in ("undef", "none", "null") else word


def run(kernel: Kernel, order: Order, on_answer: Callable[[str], None]) -> Steps:
    """Dial, tell ``on_answer`` the text of the api, then let the leg run what it was dialled for (fact 11)."""
    defaults = []
    if order.caller_name:
        defaults.append(("origination_caller_id_name", order.caller_name))
    if order.caller_number:
        defaults.append(("origination_caller_id_number", order.caller_number))
    attempt = originate.Attempt(kernel, order.dial, timeout_s=order.timeout_s, defaults=tuple(defaults))
    attempt.on_end = lambda: _answer(attempt, order, on_answer)
    yield from originate.run(attempt)


def _answer(attempt: originate.Attempt, order: Order, on_answer: Callable[[str], None]) -> None:
    leg = attempt.winner
    if leg is None:
        on_answer(f"-ERR {attempt.cause}\n")
        return
    display.announce_dialled(leg)
    on_answer(f"+OK {leg.uuid}\n")
    _send_on(leg, order)


def _send_on(leg: Channel, order: Order) -> None:
    if leg.is_down:
        return
    leg.flags.discard(Flag.ORIGINATING)
    display.flip_caller_id(leg)
    if order.target.startswith("&"):
        leg.extension = Extension([dialstring.application(order.target)])
        leg.set_state(State.EXECUTE)
    else:
        leg.flags.add(Flag.DIALPLAN)
        session_transfer(leg, order.target, order.dialplan or "XML", order.context or "default")
