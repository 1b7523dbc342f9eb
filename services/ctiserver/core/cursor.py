"""Where a desktop stands in its stream: how far in each partition behind it, so that any replica can go on from there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

MOST_PARTITIONS = 256


@dataclass(frozen=True)
class Cursor:
    """All records before ``offsets`` were seen; of the record at ``offsets[place]`` the messages up to number ``index``.

    Written ``12-0-7.2.0``: the offsets, then place and index. The order between partitions does not matter, so two replicas
    that read them in another order still agree on what was seen.
    """

    offsets: tuple[int, ...]
    place: int = 0
    index: int = -1

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.offsets))}.{self.place}.{self.index + 1}"

    @classmethod
    def parse(cls, text: str, partitions: int) -> Self | None:
        """The cursor in ``text``; None when it is not one for that many partitions."""
        first, *rest = text.split(".")
        numbers = [*first.split("-"), *rest]
        if len(rest) != 2 or not all(n.isascii() and n.isdigit() and len(n) <= 18 for n in numbers):
            return None
        *offsets, place, index = map(int, numbers)
        if len(offsets) != partitions or place >= partitions:
            return None
        return cls(tuple(offsets), place, index - 1)

    def has_seen(self, message: Cursor) -> bool:
        """Whether the message with this cursor as its id was seen."""
        offset, known = message.offsets[message.place], self.offsets[message.place]
        return offset < known or (offset == known and message.place == self.place and message.index <= self.index)
