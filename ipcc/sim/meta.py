"""Keys that order something during a bridge: ``*`` and a digit bound by bind_meta_app (switch_ivr_async.c, meta_on_dtmf)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipcc.sim import broadcast

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel

_META = "*"
_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Binding:
    """What one digit does: ``listens`` on side a (the phone of this leg), b (its partner's) or both; who runs ``order``."""

    listens: str
    runs_on: str
    """``s`` the side that keyed, ``o`` the other, ``a`` this leg, ``b`` its partner."""
    order: str


@dataclass
class MetaKeys:
    """The bindings of one leg, and the sides that have pressed ``*``."""

    bound: dict[str, Binding] = field(default_factory=dict)
    pressed_at: dict[str, float] = field(default_factory=dict)


def bind(channel: Channel, argument: str) -> None:
    """``digit listens [runs-on] app[::argument]``; without an app the digit is free again."""
    words = argument.split(" ", 3)
    if not words[0]:
        return
    keys = channel.meta = channel.meta or MetaKeys()
    if len(words) == _WHOLE:
        keys.bound[words[0]] = Binding(words[1], words[2][:1], words[3])
    else:
        keys.bound.pop(words[0], None)


_WHOLE = 4


def swallows(channel: Channel, other: Channel, key: str) -> bool:
    """Whether a key on its way from ``channel`` to ``other`` means something to one of them, and is not sent on then."""
    return _takes(channel, other, "a", key) or _takes(other, channel, "b", key)


def _takes(owner: Channel, partner: Channel, side: str, key: str) -> bool:
    keys = owner.meta
    if keys is None or not any(side in binding.listens for binding in keys.bound.values()):
        return False
    now = owner.kernel.now
    begun = keys.pressed_at.pop(side, None)
    if begun is not None and now - begun > _PATIENCE_S:
        return False
    if key == _META:
        if begun is None:
            keys.pressed_at[side] = now
        return begun is None
    if begun is None:
        return False
    binding = keys.bound.get(key)
    if binding and side in binding.listens:
        _order(binding, owner, partner, side)
    return True


def _order(binding: Binding, owner: Channel, partner: Channel, side: str) -> None:
    is_owner = {"s": side == "a", "o": side == "b", "b": False}.get(binding.runs_on, True)
    broadcast.order(owner if is_owner else partner, binding.order, holds_partner=True)
