"""count_words: where the model's words come from."""

from pathlib import Path

import pytest

from lifespan_course import count_words


def test_source_files_leaves_tests_out(tmp_path: Path) -> None:
    """Tests and tables are no source of words."""
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "a.py").touch()
    (tmp_path / "b.py").touch()
    assert count_words.source_files(tmp_path) == [tmp_path / "b.py"]


def test_counts_words_in_lower_case(tmp_path: Path) -> None:
    """Case is folded, and what has less than three letters isn't counted."""
    path = tmp_path / "a.py"
    path.write_text("def Yield(x): return yield_  # If it is")
    assert count_words.count_words([path]) == {"def": 1, "yield": 2, "return": 1}


def test_prints_the_frequent_words(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The output has the form of the file that ships."""
    (tmp_path / "a.py").write_text("yield " * 4 + "context " * 5 + "rare")
    monkeypatch.setattr(count_words.sysconfig, "get_path", lambda name: str(tmp_path))
    count_words.main()
    assert capsys.readouterr().out == "context 5\nyield 4\n"
