"""The folder a suite works in: held by one, cleared only where a demonstration made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcc.cli.folder import claimed
from ipcc.cli.remote import FILE
from ipcc.errors import Invalid


def test_a_second_suite_in_the_same_folder_is_refused_naming_the_first(tmp_path: Path) -> None:
    with claimed(tmp_path), pytest.raises(Invalid, match="used by another suite") as caught, claimed(tmp_path):
        pass
    assert caught.value.code == "var.in_use"


def test_a_folder_that_is_not_a_demonstrations_is_never_cleared(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Invalid, match=r"thesis\.txt"), claimed(tmp_path, fresh=True):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_demonstration_clears_what_the_former_one_left_and_nothing_else(tmp_path: Path) -> None:
    with claimed(tmp_path, fresh=True):
        (tmp_path / "report.db").touch()
        (tmp_path / "spool").mkdir()
        (tmp_path / "spool" / "old.wav").touch()
        (tmp_path / "notes.txt").touch()
    with claimed(tmp_path, fresh=True):
        assert not (tmp_path / "report.db").exists()
        assert not (tmp_path / "spool").exists()
        assert (tmp_path / "notes.txt").exists()


def test_the_word_of_a_suite_that_stopped_is_gone(tmp_path: Path) -> None:
    with claimed(tmp_path):
        (tmp_path / FILE).write_text("{}")
    assert not (tmp_path / FILE).exists()
