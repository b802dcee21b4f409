"""Files that are written aside and renamed."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from ser_hub.cache import written_aside


def test_a_file_has_the_permissions_of_any_other_and_the_umask_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "other").touch()

    def change(_mask):
        raise AssertionError("the umask is the whole process's, and threads write beside this one")

    monkeypatch.setattr(os, "umask", change)
    with written_aside(tmp_path / "new" / "file.txt") as partial:
        partial.write_text("whole")
    assert (tmp_path / "new" / "file.txt").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert (tmp_path / "new" / "file.txt").read_text() == "whole"


def test_two_writers_at_once_do_not_meet(tmp_path):
    def write(number):
        with written_aside(tmp_path / "file.txt") as partial:
            partial.write_text(str(number) * 10_000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(10)))
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]
    assert len(set((tmp_path / "file.txt").read_text())) == 1


def test_after_an_error_what_was_there_is_there(tmp_path):
    (tmp_path / "file.txt").write_text("old")
    with pytest.raises(RuntimeError), written_aside(tmp_path / "file.txt") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
