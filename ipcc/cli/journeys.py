"""The demonstration's calls: who calls, what he keys, what the phones do, and what must come of it. Values only."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ipcc.sim.people import Caller, Keys, PhoneScript

ENTRY_POINT = "95500"
# the stand-in bank's demonstration customers (bankcore/demo.py): test cards, invented people
CARDS = {
    "1001": ("6222000000000017", "246810"),
    "1002": ("6222000000000025", "135790"),
    "1003": ("6222000000000033", "864209"),
}
WRONG_PIN = "111111"
HOSTILE_NAME = '王"小明": x%0AHangup-Cause: FORGED, {a=b}'


@dataclass(frozen=True)
class Expected:
    """What the report must say of a call; ``offers`` are outcomes in order, ``bank`` operation and outcome in order."""

    session: str
    bank: tuple[tuple[str, str], ...] = ()
    stay: str = ""
    offers: tuple[str, ...] = ()

    @property
    def is_recorded(self) -> bool:
        """Whether an agent answered, so that there must be a recording."""
        return self.stay == "answered"


@dataclass(frozen=True)
class Leaving:
    """When a caller loses patience: ``after_s`` seconds after he is at ``at``: a node of the flow, ``queue`` or ``ringing``."""

    at: str
    after_s: float


@dataclass(frozen=True)
class Journey:
    """One call; ``leaving`` when the caller hangs up before he is served."""

    title: str
    caller: Caller
    expected: Expected
    leaving: Leaving | None = None
    called_back_by: str = ""
    """The agent who takes the voicemail he leaves, hears it, and calls him back."""


@dataclass(frozen=True)
class Scene:
    """Calls played at the same time, with the phones set and these agents ready; ``relief`` is made ready when the first of
    ``ready`` no longer is, and everybody is not ready again at the end. The queue ``closed`` takes nobody meanwhile."""

    journeys: tuple[Journey, ...]
    ready: tuple[str, ...] = ()
    phones: tuple[PhoneScript, ...] = ()
    relief: str = ""
    closed: str = ""


def _caller(serial: int, *keys: Keys, name: str = "", patience_s: float = 120, talk_s: float | None = None) -> Caller:
    return Caller(
        number=f"1380000{serial:04d}",
        dialled=ENTRY_POINT,
        name=name,
        keys=keys,
        patience_s=patience_s,
        talk_s=talk_s,
        variables={"ipcc_trunk": "demo"},
    )


def _language(key: str = "1") -> Keys:
    return Keys(key, prompt="choose-language", after_s=0.3)


def _balance(customer: str, language: str = "1", pin: str = "") -> tuple[Keys, ...]:
    card, right = CARDS[customer]
    return (
        _language(language),
        Keys("1", prompt="main-menu", after_s=0.3),
        Keys(card + "#", prompt="enter-card", after_s=0.3, gap_s=0.06),
        Keys((pin or right) + "#", prompt="enter-pin", after_s=0.3, gap_s=0.06),
    )


ASKED = (("identify", "ok"), ("verify_pin", "ok"), ("balance", "ok"))
SELF_SERVED = Expected("completed", ASKED)
ANSWERED = Expected("answered_by_agent", stay="answered", offers=("answered",))
AGENT = Keys("0", prompt="choose-language", after_s=0.3)


def scenes() -> list[Scene]:
    """The twenty calls, in the order they are played."""
    return [
        Scene(
            (
                Journey("balance in Chinese", _caller(1, *_balance("1001")), SELF_SERVED),
                Journey("balance in English", _caller(2, *_balance("1002", "2")), SELF_SERVED),
                Journey("balance of a VIP", _caller(3, *_balance("1003")), SELF_SERVED),
                Journey(
                    "wrong password, then the right one",
                    _caller(
                        4,
                        *_balance("1001", pin=WRONG_PIN),
                        Keys(CARDS["1001"][1] + "#", prompt="enter-pin", nth=2, after_s=0.3, gap_s=0.06),
                    ),
                    Expected("completed", (ASKED[0], ("verify_pin", "refused"), *ASKED[1:])),
                ),
                Journey(
                    "a card the bank does not know",
                    _caller(
                        5,
                        _language(),
                        Keys("1", prompt="main-menu", after_s=0.3),
                        Keys("6222009999999990#", prompt="enter-card", after_s=0.3, gap_s=0.06),
                    ),
                    Expected("hung_up", (("identify", "refused"),)),
                    Leaving("no-such-card", 2),
                ),
                Journey("hangs up in the menu", _caller(6, _language()), Expected("hung_up"), Leaving("menu", 2)),
            )
        ),
        Scene(
            (
                Journey("agent, caller hangs up", _caller(7, AGENT, talk_s=3), ANSWERED),
                Journey("agent at the same time", _caller(8, AGENT, talk_s=4), ANSWERED),
                Journey(
                    "balance, then an agent",
                    _caller(9, *_balance("1001"), Keys("0", prompt="anything-else", after_s=0.3), talk_s=2),
                    Expected("answered_by_agent", ASKED, "answered", ("answered",)),
                ),
                Journey("a caller's name made to harm", _caller(10, AGENT, name=HOSTILE_NAME, talk_s=2), ANSWERED),
                Journey(
                    "English, then an agent",
                    _caller(11, _language("2"), Keys("0", prompt="main-menu", after_s=0.3), talk_s=2),
                    ANSWERED,
                ),
                Journey(
                    "keys nothing in the menu, is given an agent",
                    _caller(12, _language(), talk_s=2),
                    ANSWERED,
                ),
                Journey(
                    "keys nonsense, is given an agent",
                    _caller(13, _language(), Keys("777", prompt="main-menu", gap_s=2.5), talk_s=2),
                    ANSWERED,
                ),
            ),
            ready=("1001", "1002"),
            phones=(PhoneScript("1001", answer_after_s=1), PhoneScript("1002", answer_after_s=1.2)),
        ),
        Scene(
            (Journey("agent, the agent hangs up", _caller(14, AGENT), ANSWERED),),
            ready=("1001",),
            phones=(PhoneScript("1001", answer_after_s=0.5, talk_s=3),),
        ),
        Scene(
            (
                Journey(
                    "gives up waiting", _caller(15, AGENT), Expected("hung_up", stay="abandoned"), Leaving("queue", 3)
                ),
            )
        ),
        _message("1001", 16),
        _missed("1003", "does not answer", "no_answer", 17, PhoneScript("1003", answer_after_s=None)),
        _missed("1004", "declines", "declined", 18, PhoneScript("1004", refuse=603)),
        _missed("1005", "is busy", "busy", 19, PhoneScript("1005", refuse=486)),
        Scene(
            (
                Journey(
                    "hangs up while the agent's phone rings",
                    _caller(20, AGENT),
                    Expected("hung_up", stay="abandoned", offers=("caller_gone",)),
                    Leaving("ringing", 2),
                ),
            ),
            ready=("1006",),
            phones=(PhoneScript("1006", answer_after_s=None),),
        ),
    ]


def _message(agent: str, serial: int) -> Scene:
    """The queue is closed, he wants no callback and leaves a message; an agent takes it and calls him back."""
    keys = (
        AGENT,
        *(Keys("9", prompt="callback-where", nth=nth, after_s=0.3) for nth in (1, 2)),
        Keys("#", prompt="leave-message", after_s=6),
        Keys("1", prompt="message-review", after_s=0.3),
    )
    caller = _caller(serial, *keys)
    journey = Journey("leaves a message, is called back", caller, Expected("completed"), called_back_by=agent)
    phones = (PhoneScript(agent, answer_after_s=0.5), PhoneScript(caller.number, answer_after_s=0.5, talk_s=2))
    return Scene((journey,), phones=phones, closed="retail")


def _missed(agent: str, what: str, outcome: str, serial: int, phone: PhoneScript) -> Scene:
    expected = Expected("answered_by_agent", stay="answered", offers=(outcome, "answered"))
    journey = Journey(f"agent {what}, the next one does", _caller(serial, AGENT, talk_s=2), expected)
    return Scene((journey,), ready=(agent,), phones=(phone, PhoneScript("1001", answer_after_s=0.5)), relief="1001")


def first(count: int) -> list[Scene]:
    """As many scenes as hold ``count`` calls, repeated when there are not enough; the last one is cut."""
    found: list[Scene] = []
    left = count
    while left > 0:
        for scene in scenes():
            if left <= 0:
                break
            kept = scene.journeys[:left]
            found.append(replace(scene, journeys=kept))
            left -= len(kept)
    return found
