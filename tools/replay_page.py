"""Writes docs/generated/transcripts.md: how far the simulated switch reproduces each recording of the real one.

python -m tools.replay_page            writes the page
python -m tools.replay_page --check    exit 1 when the page is not what would be written
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.traces import recorded
from tests.traces.replay import Result, replay

PAGE = Path(__file__).parent.parent / "docs" / "generated" / "transcripts.md"
PROMISED = ("01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "17", "18")
"""The groups that must replay: all but the queue module, which is not simulated."""
_SHOWN = 3
_GROUPS = {
    "01": "the protocol",
    "02": "registrations",
    "03": "one leg",
    "04": "outbound sockets",
    "05": "bridges",
    "06": "failures and races",
    "07": "hold and audio",
    "08": "transfers",
    "09": "listening in",
    "10": "recording",
    "11": "conference",
    "12": "causes",
    "13": "load",
    "14": "text encoding",
    "15": "media modules",
    "16": "the queue module",
    "17": "dialling out",
    "18": "message recording, half-keyed digits, lists, loopback",
}


def is_promised(name: str) -> bool:
    """Whether this recording must replay now."""
    return name.startswith(PROMISED)


def page(results: Sequence[Result]) -> str:
    """The whole page."""
    counts = Counter(status(result) for result in results)
    lines = [
        "# Recordings of the real switch, replayed on the simulated one",
        "",
        "Written by `python -m tools.replay_page`; a test fails when it is stale. A row is one reply, one event or one log line;",
        "compared are all replies, per channel the events with their states, applications, causes and hangup variables, and who",
        "closed the connection. Values that differ from run to run are masked.",
        "",
        ", ".join(f"{name}: {counts[name]}" for name in ("replayed", "in part", "not yet")) + ".",
    ]
    for group in dict.fromkeys(result.name[:2] for result in results):
        lines += [
            "",
            f"## {group}: {_GROUPS[group]}",
            "",
            "| recording | rows | status | what differs |",
            "|---|---|---|---|",
        ]
        lines += [_line(result) for result in results if result.name.startswith(group)]
    lines += ["", "## Headers left out", "", *_left_out(results)]
    return "\n".join(lines) + "\n"


def _left_out(results: Sequence[Result]) -> list[str]:
    total: Counter[str] = Counter()
    for result in results:
        if is_promised(result.name):
            total.update(result.left_out)
    names = sorted(total, key=lambda name: (-total[name], name))
    return [
        "The recorded events of the groups "
        + ", ".join(PROMISED)
        + " have these headers where the simulated ones have none (in brackets: in how many events):",
        "",
        ", ".join(f"`{name}` ({total[name]})" for name in names) + ".",
    ]


def status(result: Result) -> str:
    """``replayed``, ``in part`` or ``not yet``."""
    if not result.unexplained:
        return "replayed"
    if is_promised(result.name) or 2 * len(result.unexplained) < result.compared:
        return "in part"
    return "not yet"


def _line(result: Result) -> str:
    notes = [_cell(str(found)) for found in result.unexplained[:_SHOWN]]
    if len(result.unexplained) > _SHOWN:
        notes.append(f"and {len(result.unexplained) - _SHOWN} more")
    reasons = Counter(reason for _, reason in result.explained)
    notes += [f"{count} by intent: {reason}" for reason, count in reasons.items()]
    return f"| {result.name} | {result.compared} | {status(result)} | {'<br>'.join(notes)} |"


def _cell(text: str) -> str:
    flat = text.replace("|", "\\|").replace("\n", "\\n").replace("<", "&lt;")
    return flat if len(flat) <= 200 else flat[:197] + "..."


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args()
    text = page([replay(name) for name in recorded.names()])
    if not options.check:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        sys.exit(f"{PAGE.name} is stale: run python -m tools.replay_page")


if __name__ == "__main__":
    main()
