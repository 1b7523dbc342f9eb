"""How far what the simulator said differs from what the switch said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tests.traces.rows import Received, Row, same


@dataclass(frozen=True)
class Difference:
    """One thing that is not as recorded."""

    conn: str
    where: str
    """``reply 12``, ``leg A``, ``end``, …"""
    text: str

    def __str__(self) -> str:
        return f"[{self.conn}] {self.where}: {self.text}"


def compare(conn: str, expected: Received, got: Received, commands: Sequence[str]) -> list[Difference]:
    """Every difference on one connection; ``commands`` name the replies."""
    found = [*_replies(conn, expected.replies, got.replies, commands)]
    for stream in dict.fromkeys([*expected.streams, *got.streams]):
        rows = expected.streams.get(stream, []), got.streams.get(stream, [])
        found += [Difference(conn, f"leg {stream}", text) for text in _stream(*rows)]
    if expected.logs != got.logs:
        found.append(Difference(conn, "log", f"{expected.logs} became {got.logs}"))
    if expected.is_ended != got.is_ended:
        found.append(
            Difference(conn, "end", "closed by the switch" if expected.is_ended else "not closed by the switch")
        )
    return found


def _replies(conn: str, expected: list[str], got: list[str], commands: Sequence[str]) -> Iterator[Difference]:
    for number in range(max(len(expected), len(got))):
        wanted = expected[number] if number < len(expected) else "nothing"
        came = got[number] if number < len(got) else "nothing"
        if wanted != came:
            yield Difference(conn, f"reply {number}", f"{_short(_command(commands, number))}: {_first(wanted, came)}")


def _command(commands: Sequence[str], number: int) -> str:
    # the greeting is reply 0
    return commands[number - 1] if 0 < number <= len(commands) else "-"


def _first(wanted: str, came: str) -> str:
    at = next((i for i, (one, other) in enumerate(zip(wanted, came, strict=False)) if one != other), 0)
    start = max(0, at - 30)
    return f"{wanted[start : start + 200]!r} became {came[start : start + 200]!r}"


def _stream(expected: list[Row], got: list[Row]) -> Iterator[str]:
    names = [row.name for row in expected], [row.name for row in got]
    matcher = SequenceMatcher(None, *names, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            for offset in range(i2 - i1):
                for text in same(expected[i1 + offset], got[j1 + offset]):
                    yield f"{i1 + offset} {expected[i1 + offset].name} {text}"
            continue
        for row in expected[i1:i2]:
            yield f"{i1} missing {_short(str(row))}"
        for row in got[j1:j2]:
            yield f"{i1} too much {_short(str(row))}"


def _short(text: str) -> str:
    text = text.replace("\n", "\\n")
    return text if len(text) <= 160 else text[:157] + "..."
