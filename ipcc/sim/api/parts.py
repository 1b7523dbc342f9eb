"""What the channel commands share: words, usage texts, finding the channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ipcc.esl.reading import separate

if TYPE_CHECKING:
    from ipcc.sim.kernel import Kernel

ApiCommand = Callable[["Kernel", str], str]

NO_CHANNEL = "-ERR No such channel!\n"
NO_SESSION = "-ERR Cannot locate session!\n"


def usage(syntax: str) -> str:
    return f"-USAGE: {syntax}\n"


def words_of(argument: str, most: int) -> list[str]:
    """Up to ``most`` words without one layer of quotes and backslashes; the last keeps its blanks; missing ones are empty."""
    words = separate(argument.strip(), " ", most)
    return [*words, *[""] * (most - len(words))]
