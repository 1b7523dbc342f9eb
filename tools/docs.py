"""Writes docs/generated, the contract of the bank core and the samples of events that have none yet, all from the code.

python -m tools.docs            writes what is stale (make docs)
python -m tools.docs --check    exit 1 and say what is stale
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bankcore.app import contract
from bankcore.settings import BankSettings
from ipcc.settings import load
from tools import docs_api, docs_events, docs_flow, docs_lists, docs_samples, docs_states

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ROOT / "docs" / "generated"
# written by tools.replay_page, which replays every recording and so takes longer
OTHERS = frozenset({"transcripts.md"})

MAKERS: tuple[Callable[[], dict[str, str]], ...] = (
    docs_lists.pages,
    docs_events.pages,
    docs_flow.pages,
    docs_states.pages,
    docs_api.pages,
)


def wanted() -> dict[Path, str]:
    """Every file as it should be."""
    pages = {GENERATED / name: text for make in MAKERS for name, text in make().items()}
    # not beside the others: it is what a bank reads to connect its core systems
    pages[ROOT / "docs" / "bankcore.openapi.yaml"] = contract(load(BankSettings))
    pages[GENERATED / "README.md"] = _index(
        sorted(p.relative_to(GENERATED).as_posix() for p in pages if GENERATED in p.parents)
    )
    return {**pages, **docs_samples.missing()}


def stale() -> list[str]:
    """What is not as it should be, or should not be there, relative to the repository."""
    right = wanted()
    found = [path for path, text in right.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    found += [path for path in GENERATED.rglob("*") if path.is_file() and path not in right and path.name not in OTHERS]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def write() -> None:
    """Bring everything up to date."""
    right = wanted()
    for path, text in right.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in stale():
        (ROOT / name).unlink()


def _index(names: list[str]) -> str:
    lines = ["# Made from the code", "", "Written by `make docs`; a test fails when a page is stale. Do not edit.", ""]
    lines += [f"- [{name}]({name})" for name in sorted({*names, *OTHERS})]
    return "\n".join(lines) + "\n"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    if parser.parse_args().check:
        found = stale()
        if found:
            sys.exit("stale: " + ", ".join(found) + "; run make docs")
    else:
        write()


if __name__ == "__main__":
    main()
