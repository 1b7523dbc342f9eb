"""A fault of what is administered: by name, with what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing wrong: ``field`` of the object ``kind`` ``id``; ``advice`` says what to do."""

    kind: str
    id: str
    field: str
    problem: str
    advice: str
    chinese: str = ""
    """Problem and advice in Chinese, where those who administer it read them."""

    def __str__(self) -> str:
        said = f"{self.kind} {self.id}, {self.field}: {self.problem}; {self.advice}"
        return f"{said} ({self.chinese})" if self.chinese else said
