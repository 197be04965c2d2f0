from __future__ import annotations

from pathlib import Path

import pytest

from archsweep import settings
from archsweep.errors import SettingsError


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.KNOWN:
        monkeypatch.delenv(settings.PREFIX + name.upper(), raising=False)


def write(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_flags_beat_variables_beat_the_file_beat_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[tool.other]\njobs = 9\n[tool.archsweep]\njobs = 3\nmemory = "2G"\ntimeout = 5\n')
    monkeypatch.setenv("ARCHSWEEP_TIMEOUT", "7.5")
    monkeypatch.setenv("ARCHSWEEP_MEMORY", "512M")
    found = settings.load({"memory": "1GiB", "jobs": None}, tmp_path)
    assert (found["jobs"].value, found["jobs"].origin) == (3, f"{tmp_path / 'pyproject.toml'}, line 4")
    assert (found["timeout"].value, found["timeout"].origin) == (7.5, "ARCHSWEEP_TIMEOUT")
    assert (found["memory"].value, found["memory"].origin) == (2**30, "--memory")
    assert (found["db"].value, found["db"].origin) == (Path("archsweep.duckdb"), "default")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("jobs = 0", r"pyproject\.toml, line 2: jobs must be at least 1, not 0"),
        ("jobs = -4", "at least 1"),
        ('jobs = "many"', "jobs must be a number, not 'many'"),
        ("jobs = 1.5", "jobs must be a number"),
        ("timeout = 0", "more than 0 seconds"),
        ('timeout = "nan"', "more than 0 seconds"),
        ('memory = "lots"', "must be a size"),
        ("platforms = 3", "must be a name or a list"),
        ("job = 3", r"line 2: unknown setting 'job'.*\n?.*"),
        ("jobs = ", "is not TOML.*line 2"),
    ],
)
def test_a_malformed_setting_names_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    write(tmp_path, f"[tool.archsweep]\n{line}\n")
    with pytest.raises(SettingsError, match=message):
        settings.load({}, tmp_path)


def test_a_malformed_flag_or_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="--jobs: jobs must be at least 1, not '-1'"):
        settings.load({"jobs": "-1"}, tmp_path)
    monkeypatch.setenv("ARCHSWEEP_TIMEOUT", "soon")
    with pytest.raises(SettingsError, match="ARCHSWEEP_TIMEOUT: timeout must be a number"):
        settings.load({}, tmp_path)


def test_lists_come_with_commas_or_as_lists(tmp_path: Path) -> None:
    write(tmp_path, '[tool.archsweep]\nplatforms = ["a", "b"]\nchecks = "x, y"\n')
    found = settings.load({}, tmp_path)
    assert found["platforms"].value == ("a", "b")
    assert found["checks"].value == ("x", "y")
