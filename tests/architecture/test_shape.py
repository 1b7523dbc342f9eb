"""The shape of the code: sizes, names, the standard files of a service, nothing that belongs to one machine or one person.

Exceptions are listed by name with their present size and a reason. They may only shrink: a row that is too generous fails.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import pytest

from tests.architecture.tree import ROOT, read, tracked

FILE_LINES, FUNCTION_LINES, PARAMETERS, METHODS = 400, 50, 6, 15
Function = ast.FunctionDef | ast.AsyncFunctionDef
# written once by a tool, never read again
CODE = [name for name in tracked("*.py") if "/migrations/versions/" not in name]
PRODUCT = [name for name in CODE if not name.startswith("tests/")]
SERVICES = sorted({name.split("/")[1] for name in tracked("services/*/app.py")})
STANDARD = ("__init__.py", "__main__.py", "README.md", "app.py", "settings.py", "api.py", "schemas.py", "usecases.py")


class Excused(NamedTuple):
    """An exception and why it is one."""

    size: int
    reason: str


LONG_FILES: dict[str, Excused] = {}
LONG_FUNCTIONS = {
    "ipcc/cli/journeys.py:scenes": Excused(89, "a table of the demonstration's 20 calls"),
    "services/ivr/app.py:build": Excused(53, "the list of what the service is made of, in order"),
    "services/outbound/app.py:build": Excused(55, "the list of what the service is made of, in order"),
    "tests/component/report/stories.py:a_served_call": Excused(58, "the events of one call, one a line"),
}
MANY_METHODS = {
    "ipcc/esl/fake.py:FakeNode": Excused(21, "the port's methods and those by which a test scripts it"),
    "ipcc/sim/esl_session.py:Session": Excused(
        16, "one method for each command of the protocol; to be split by kind of command"
    ),
    "ipcc/sim/channels.py:Channel": Excused(
        16, "what is asked of a channel by every application; to be split by subject"
    ),
    "ipcc/sim/phones.py:Phones": Excused(
        16, "one method for each thing a telephone does; to be split: calls, registration"
    ),
    "services/acd/core/state.py:State": Excused(16, "indexes over one state; to be split: agents, entries"),
}
SLEEPERS = {
    "tests/support/until.py": "the one place that waits for a condition",
    "tests/support/kafka.py": "waits for a program, outside an event loop",
    "tests/support/kafka_broker.py": "waits for a program, outside an event loop",
    "tests/support/postgres.py": "waits for a program, outside an event loop",
    "tests/live/telephone/stream.py": "sends sound at its own pace, as a telephone does",
    "tests/live/simulated.py": "keys digits at the pace of a person",
    "tests/live/test_hanging_up.py": "the moment of a race is what is tried",
    "tests/load/acd_killed.py": "callers arrive at a pace of their own, and kills come in between",
    "tests/load/callcenter.py": "callers arrive at a pace of their own",
    "tests/load/enqueue_to_invite.py": "callers arrive at a pace of their own",
    "tests/load/suite.py": "callers arrive at a pace of their own",
}


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse(read(name))


def _functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function]]:
    for node in body:
        if isinstance(node, Function):
            yield prefix + node.name, node
            yield from _functions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")


def _too_large(sizes: dict[str, int], limit: int, excused: dict[str, Excused]) -> list[str]:
    """What is above its limit, and exceptions that are too generous or no longer needed."""
    found = []
    for name, size in sizes.items():
        most = excused[name].size if name in excused else limit
        if size > most:
            found.append(f"{name} has {size}, at most {most}")
    for name, (size, _) in excused.items():
        now = sizes.get(name, 0)
        if now <= limit:
            found.append(f"{name} needs no exception any more: delete its row")
        elif now < size:
            found.append(f"{name} has shrunk to {now}: lower its exception from {size}")
    return found


def test_no_file_is_too_long() -> None:
    sizes = {name: read(name).count("\n") for name in CODE}
    assert _too_large(sizes, FILE_LINES, LONG_FILES) == []


def test_no_function_is_too_long() -> None:
    sizes = {
        f"{name}:{path}": (node.end_lineno or 0) - node.lineno + 1
        for name in CODE
        for path, node in _functions(_tree(name).body)
    }
    assert _too_large(sizes, FUNCTION_LINES, LONG_FUNCTIONS) == []


def test_no_function_takes_too_much() -> None:
    sizes = {
        f"{name}:{path}": len(_parameters(node)) for name in PRODUCT for path, node in _functions(_tree(name).body)
    }
    assert _too_large(sizes, PARAMETERS, {}) == []


def _parameters(node: Function) -> list[str]:
    given = node.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def test_no_class_offers_too_much() -> None:
    sizes = {
        f"{name}:{node.name}": sum(isinstance(m, Function) and not m.name.startswith("_") for m in node.body)
        for name in PRODUCT
        for node in ast.walk(_tree(name))
        if isinstance(node, ast.ClassDef)
    }
    assert _too_large(sizes, METHODS, MANY_METHODS) == []


def test_no_name_says_nothing() -> None:
    empty = re.compile(r"(^|[/_])(utils?|helpers?|common|managers?|base|misc)([/_.]|$)")
    assert [name for name in CODE if empty.search(name)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_standard_files(service: str) -> None:
    wanted = [f"services/{service}/{name}" for name in (*STANDARD, "core/__init__.py")]
    if f"services/{service}/tables.py" in CODE:
        wanted.append(f"services/{service}/store.py")
        assert tracked(f"services/{service}/migrations/versions/*.py"), "tables without a migration"
    assert [name for name in wanted if not (ROOT / name).is_file()] == []
    heads = len(read(f"services/{service}/__main__.py").splitlines())
    assert heads <= 30, "__main__ reads the settings and serves, nothing else"


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name in CODE if read(name).strip() and not ast.get_docstring(_tree(name))]
    silent += [name for name in PRODUCT if not read(name).strip()]
    assert silent == []


def test_every_test_file_states_its_kind_by_its_folder() -> None:
    kinds = ("unit", "contract", "component", "system", "traces", "live", "architecture", "load")
    astray = [name for name in CODE if re.search(r"(^|/)test_\w+\.py$", name) and name.split("/")[1] not in kinds]
    assert astray == []


def test_no_test_sleeps_to_wait() -> None:
    found = {name for name in tracked("tests/*.py") if any(_sleeps(name))}
    assert sorted(found - SLEEPERS.keys()) == [], "wait with tests/support/until.py, or move the clock"
    assert sorted(name for name in SLEEPERS.keys() - found if (ROOT / name).exists()) == [], (
        "needs no exception any more: delete its row"
    )


def _sleeps(name: str) -> Iterator[ast.Call]:
    if "looptime" in read(name):
        # virtual time: a sleep moves the clock
        return
    for node in ast.walk(_tree(name)):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in ("asyncio.sleep", "time.sleep", "sleep"):
            continue
        if [ast.unparse(argument) for argument in node.args] != ["0"]:
            yield node


# --- text ----------------------------------------------------------------------------------------
# hashes of packages; made from recordings and the code
TEXT = [name for name in tracked("*") if not name.startswith(("requirements/", "docs/generated/"))]
MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
SERVICE_NUMBER = re.compile(r"(?<![\d.])955\d\d(?!\d)")
# put together here, so that this file does not hold what it looks for
FOREIGN = re.compile(
    "|".join(
        [
            r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/",
            r"(?:pypi|pythonhosted|npmjs|crates|golang)\.(?:org|io)\b",
            r"repo\d?\.maven|deb\.debian",
            r"https?://\S+\.(?:tar\.\w+|tgz|zip|whl|jar|deb|exe|rpm)\b",
        ]
    )
)


def _places(found: Callable[[str], list[str]]) -> list[str]:
    me = "tests/architecture/test_shape.py"
    return [
        f"{name}:{number}: {text}"
        for name in TEXT
        if name != me
        for number, line in enumerate(read(name).splitlines(), 1)
        for text in found(line)
    ]


def test_nothing_names_a_machine_a_registry_or_a_download() -> None:
    assert _places(FOREIGN.findall) == []


def test_telephone_numbers_are_invented() -> None:
    def real(line: str) -> list[str]:
        mobiles = [number for number in MOBILE.findall(line) if not number.startswith(("1380000", "1390000"))]
        return mobiles + [number for number in SERVICE_NUMBER.findall(line) if number != "95500"]

    assert _places(real) == []
