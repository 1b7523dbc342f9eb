"""The variables of a channel, kept as the headers they become in every event of it."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

VariableValue = str | list[str]

ARRAY = "ARRAY::"
_PREFIX = "variable_"
# names are few and used for ever: the joined ones are kept, since every event of a channel shows all of them
_HEADER_NAMES: dict[str, str] = {}
_HEADER_NAMES_KEPT = 10_000


def _header_name(name: str) -> str:
    header = _HEADER_NAMES.get(name)
    if header is None:
        header = _PREFIX + name
        if len(_HEADER_NAMES) < _HEADER_NAMES_KEPT:
            _HEADER_NAMES[name] = header
    return header


class Variables(MutableMapping[str, VariableValue]):
    """The variables of a channel, kept as the headers they become, in the order they were set."""

    __slots__ = ("headers",)

    def __init__(self) -> None:
        self.headers: dict[str, VariableValue] = {}

    def __getitem__(self, name: str) -> VariableValue:
        return self.headers[_header_name(name)]

    def __setitem__(self, name: str, value: VariableValue) -> None:
        # set again, a variable goes to the end, as on the switch
        header = _header_name(name)
        self.headers.pop(header, None)
        self.headers[header] = value

    def __delitem__(self, name: str) -> None:
        del self.headers[_header_name(name)]

    def __iter__(self) -> Iterator[str]:
        return iter([header[len(_PREFIX) :] for header in self.headers])

    def __len__(self) -> int:
        return len(self.headers)
