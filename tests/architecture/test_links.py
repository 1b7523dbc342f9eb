"""Documents point at what exists: links, files and names in the code, and only they."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, read, tracked

DOCUMENTS = [path for path in tracked("*.md") if not path.startswith("docs/generated/")]
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
# `path/file.py`, `path/file.py:Name.method`
NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.\w+)(?::([A-Za-z_][\w.]*))?`")

# `Name.method`, of a class that was named with its file before
METHOD = re.compile(r"`([A-Z]\w*\.[a-z_]\w*)`")

TEST = re.compile(r"`(test_[a-z0-9_]+)`")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files_and_headings_that_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    broken = [target for target in LINK.findall(text) if _is_broken(document, target)]
    assert not broken, f"{document} links to what is not there: {broken}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_code_named_in_a_document_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    missing = [
        f"{path}:{name}" if name else path for path, name in NAMED.findall(text) if _is_missing(document, path, name)
    ]
    assert not missing, f"{document} names what is not there: {missing}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_methods_named_in_a_document_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    known = _names_of_all()
    classes = {name.split(".")[0] for name in known if "." in name}
    named = METHOD.findall(text)
    missing = [name for name in named if name.split(".")[0] in classes and name not in known]
    assert not missing, f"{document} names methods that are not there: {missing}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_tests_named_in_a_document_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    missing = [name for name in TEST.findall(text) if name not in _tests()]
    assert not missing, f"{document} names tests that are not there: {missing}"


def _is_broken(document: str, target: str) -> bool:
    place, _, heading = target.partition("#")
    if "://" in place or place.startswith("mailto:"):
        return False
    found = (ROOT / document).parent / place if place else ROOT / document
    if not found.exists():
        return True
    return bool(heading) and found.suffix == ".md" and heading not in _headings(found)


def _headings(page: Path) -> set[str]:
    lines = page.read_text(encoding="utf-8").splitlines()
    titles = [line.lstrip("#").strip().lower() for line in lines if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def _is_missing(document: str, path: str, name: str) -> bool:
    if path.split("/")[0] not in TOPS:
        # of another machine, or relative to something else than this repository
        return False
    file = ROOT / path
    if not file.exists():
        return True
    return bool(name) and file.suffix == ".py" and name not in _names(file)


@cache
def _names(file: Path) -> frozenset[str]:
    """Everything defined at the top of ``file`` and in its classes, dotted."""
    found: set[str] = set()
    _collect(ast.parse(file.read_text(encoding="utf-8")).body, "", found)
    return frozenset(found)


@cache
def _names_of_all() -> frozenset[str]:
    files = [name for root in ("ipcc", "services", "bankcore") for name in tracked(f"{root}/*.py")]
    return frozenset().union(*(_names(ROOT / name) for name in files))


@cache
def _tests() -> frozenset[str]:
    defined = re.compile(r"def (test_[a-z0-9_]+)")
    return frozenset(name for file in tracked("tests/*.py") for name in defined.findall(read(file)))


def _collect(body: list[ast.stmt], prefix: str, found: set[str]) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            found.add(prefix + node.name)
            _collect(node.body, f"{prefix}{node.name}.", found)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(prefix + node.name)
        elif isinstance(node, ast.Assign):
            found.update(prefix + target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(prefix + node.target.id)


TOPS = frozenset(path.split("/")[0] for path in tracked("*") if "/" in path)
