"""Replays a recording on the simulated switch and tells every difference.

python -m tests.traces.replay 05a            prints what differs
python -m tests.traces.replay 05a --events   prints both event lists of every leg as well
"""

import argparse
from collections import Counter
from dataclasses import dataclass, field

from tests.traces import deviations, differences, frames, recorded, rows, script, stage
from tests.traces.differences import Difference


@dataclass
class Result:
    """What came of one replay."""

    name: str
    expected: dict[str, rows.Received] = field(default_factory=dict)
    got: dict[str, rows.Received] = field(default_factory=dict)
    unexplained: list[Difference] = field(default_factory=list)
    explained: list[tuple[Difference, str]] = field(default_factory=list)
    """With the reason given in `deviations`."""

    @property
    def left_out(self) -> Counter[str]:
        """Headers of recorded events that the simulated ones do not have, each with how often."""
        found: Counter[str] = Counter()
        for conn, expected in self.expected.items():
            for stream, theirs in expected.streams.items():
                ours = self.got[conn].streams.get(stream, [])
                for one, other in zip(theirs, ours, strict=False):
                    if one.name == other.name:
                        found.update(one.headers - other.headers)
        return found

    @property
    def compared(self) -> int:
        """How many replies and events the recording has."""
        return sum(
            len(one.replies) + sum(map(len, one.streams.values())) + len(one.logs) for one in self.expected.values()
        )


def replay(name: str) -> Result:
    """Play the recording and compare every connection of it."""
    play = script.read(name)
    played = stage.play(play)
    lines = {conn: recorded.load(name, conn) for conn in play.connections}
    theirs = {conn: list(frames.timed(lines[conn])) for conn in play.connections}
    ours = {conn: list(frames.split(played.output.get(conn, b""))) for conn in play.connections}
    legs = rows.recorded_legs(_events(theirs))
    own_legs = rows.replayed_legs(_events(ours), legs, played.aliases)
    result = Result(name)
    for conn in play.connections:
        is_ended = script.says_goodbye(lines[conn])
        result.expected[conn] = rows.received(theirs[conn], legs, is_ended=is_ended)
        result.got[conn] = rows.received(ours[conn], own_legs, is_ended=conn in played.ended)
        commands = [text for line in lines[conn] if line.direction == "out" for text in _commands(line.data)]
        for found in differences.compare(conn, result.expected[conn], result.got[conn], commands):
            reason = deviations.reason(name, found)
            if reason is None:
                result.unexplained.append(found)
            else:
                result.explained.append((found, reason))
    return result


def _events(found: dict[str, list[frames.Frame]]) -> list[frames.Event]:
    events = [frames.event_of(frame) for conn in found.values() for frame in conn if frame.is_event]
    return sorted(events, key=lambda event: int(event.get("Event-Sequence") or 0))


def _commands(data: bytes) -> list[str]:
    return [part.decode("utf-8", "replace").strip("\n") for part in data.split(b"\n\n") if part.strip()]


def _print_streams(result: Result) -> None:
    for conn, expected in result.expected.items():
        got = result.got[conn]
        for stream in dict.fromkeys([*expected.streams, *got.streams]):
            print(f"--- [{conn}] {stream}: recorded")
            print(*expected.streams.get(stream, []), sep="\n")
            print(f"+++ [{conn}] {stream}: simulated")
            print(*got.streams.get(stream, []), sep="\n")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="recordings, or the beginning of their names")
    parser.add_argument("--events", action="store_true", help="print the event lists too")
    options = parser.parse_args()
    for name in recorded.names():
        if not name.startswith(tuple(options.names)):
            continue
        result = replay(name)
        print(f"{name}: {result.compared} rows, {len(result.unexplained)} differ, {len(result.explained)} explained")
        print(*result.unexplained, sep="\n")
        if options.events:
            _print_streams(result)


if __name__ == "__main__":
    main()
