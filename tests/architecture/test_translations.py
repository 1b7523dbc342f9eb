"""What is written twice says the same: both READMEs have the same commands, links and sections."""

from __future__ import annotations

import re

from tests.architecture.tree import read

ENGLISH, CHINESE = "README.md", "README.zh.md"
# what stands for a value is translated, the command is not
PLACEHOLDERS = {"文件": "FILE", "目录": "DIR"}


def _commands(name: str) -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", read(name), re.DOTALL)
    lines = [line.split("#   ")[0] for block in blocks for line in block.splitlines()]
    # a comment begins behind two blanks; a # inside quotes is a key
    found = [re.sub(r"\s{2,}#.*$", "", line).strip() for line in lines]
    for chinese, english in PLACEHOLDERS.items():
        found = [line.replace(chinese, english) for line in found]
    return [line for line in found if re.match(r"(make|\.venv/|freeswitch/)", line)]


def _inline(name: str) -> set[str]:
    return {text for text in re.findall(r"`([^`\n]+)`", read(name)) if text.startswith(("make ", "ipcc "))}


def _links(name: str) -> set[str]:
    return set(re.findall(r"\]\(([^)]+)\)", read(name))) - {ENGLISH, CHINESE}


def test_both_readmes_have_the_same_commands_in_the_same_order() -> None:
    assert _commands(ENGLISH)
    assert _commands(ENGLISH) == _commands(CHINESE)


def test_both_readmes_name_the_same_commands_in_their_text() -> None:
    assert _inline(ENGLISH) == _inline(CHINESE)


def test_both_readmes_lead_to_the_same_places() -> None:
    assert _links(ENGLISH) == _links(CHINESE)


def test_both_readmes_have_as_many_sections() -> None:
    assert read(ENGLISH).count("\n## ") == read(CHINESE).count("\n## ")
