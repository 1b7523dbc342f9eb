"""say: numbers and dates from sound files, which this switch may not have (fact 33: without files it ends at once)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim.applications.playback import duration_of, play

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps

_SPELLED = {".": "dot", "*": "star", "#": "pound", "-": "dash"}


def say(channel: Channel, argument: str) -> Steps:
    """``module type method text``: each digit or letter is one file; those that are missing are passed over."""
    words = argument.split(" ", 3)
    if len(words) < 4:
        return
    folder = "digits" if words[1].lower() in ("number", "telephone_number", "account_number", "items") else "ascii"
    for char in words[3]:
        path = f"{folder}/{_SPELLED.get(char, char)}.wav"
        if channel.is_ready and duration_of(channel.kernel, path) is not None:
            yield from play(channel, path)


def speak(channel: Channel, argument: str) -> Steps:
    """``engine|voice|text``: a voice that needs a moment for each character."""
    text = argument.rpartition("|")[2]
    milliseconds = 80 * len(text)
    yield from play(channel, f"silence_stream://{milliseconds}")
