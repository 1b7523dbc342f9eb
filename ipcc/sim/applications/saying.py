"""say: numbers and dates from sound files, which this switch may not have (fact 33: without files it ends at once). speak: text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim.applications.playback import Result, duration_of, play, sound

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps

_SPELLED = {".": "dot", "*": "star", "#": "pound", "-": "dash"}
_SPOKEN_S = 0.087
"""What flite needs for a character (15a: 2.16 s for 25)."""


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
    """``engine|voice|text``: a voice that needs a moment for each character; no event but those of the application (15a)."""
    yield from sound(channel, _SPOKEN_S * len(argument.rpartition("|")[2]), Result())
