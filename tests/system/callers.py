"""Whoever calls the bank in the system tests. Values only; nothing here waits."""

from __future__ import annotations

from ipcc.cli.journeys import CARDS
from ipcc.sim.people import Caller, Keys

ENTRY_POINT = "95500"
# a caller keys again when a prompt is said again, as after a menu was begun anew
AGAIN = (1, 2, 3, 4)


def caller(serial: int, *keys: Keys, talk_s: float | None = None, name: str = "") -> Caller:
    """Somebody with a number of his own who waits for two minutes and talks for ``talk_s`` seconds."""
    return Caller(
        number=f"1380000{serial:04d}",
        dialled=ENTRY_POINT,
        name=name,
        keys=keys,
        patience_s=120,
        talk_s=talk_s,
        variables={"ipcc_trunk": "test"},
    )


def wants_agent() -> tuple[Keys, ...]:
    """Keys 0 at the first question."""
    return tuple(Keys("0", prompt="choose-language", after_s=0.1, nth=nth) for nth in AGAIN)


def wants_agent_after(thinking_s: float) -> tuple[Keys, ...]:
    """Chooses Chinese, thinks for some seconds at the menu, then keys 0; at once when he is asked again."""
    first = Keys("0", prompt="main-menu", after_s=thinking_s)
    again = (Keys("0", prompt="main-menu", after_s=0.5, nth=nth) for nth in AGAIN[1:])
    return (*_chinese(), first, *again)


def wants_balance(customer: str = "1001") -> tuple[Keys, ...]:
    """Asks for a balance, with card and PIN."""
    card, pin = CARDS[customer]
    wanted = (("main-menu", "1"), ("enter-card", card + "#"), ("enter-pin", pin + "#"))
    return (
        *_chinese(),
        *(Keys(keys, prompt=prompt, after_s=0.3, nth=nth, gap_s=0.06) for prompt, keys in wanted for nth in AGAIN),
    )


def _chinese() -> tuple[Keys, ...]:
    return tuple(Keys("1", prompt="choose-language", after_s=0.1, nth=nth) for nth in AGAIN)
