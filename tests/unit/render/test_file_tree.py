"""A folder of generated files: what would change is known before anything is written, and nothing of others is."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from archsweep.errors import SettingsError
from archsweep.render import file_tree
from archsweep.render.file_tree import Kind
from archsweep.render.pytest_files import Made

HEAD = '"""Made by archsweep 0.1.\n"""\n\nfrom archsweep.testing import Case\n'
HAND = '"""By hand."""\n\nfrom archsweep.testing import Case\n'


def made(*families: str, more: str = "") -> list[Made]:
    return [
        Made(family=family, name=f"test_{family}.py", text=f"{HEAD}FAMILY = {family!r}{more}\n") for family in families
    ]


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_files_are_new_then_alike_then_changed(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "models"
    first = file_tree.changes(folder, made("apple", "pear"))
    assert [change.kind for change in first] == [Kind.NEW, Kind.NEW]
    assert not folder.exists(), "to look is not to write"
    file_tree.write(folder, first)
    assert contents(folder) == {item.name: item.text for item in made("apple", "pear")}
    assert {change.kind for change in file_tree.changes(folder, made("apple", "pear"))} == {Kind.SAME}
    changed = file_tree.changes(folder, [*made("apple"), *made("pear", more="  # …")])
    assert [change.kind for change in changed] == [Kind.SAME, Kind.CHANGED]
    file_tree.write(folder, changed)
    assert contents(folder)["test_pear.py"].endswith("  # …\n")


def test_a_file_that_is_as_it_should_be_is_not_touched(tmp_path: Path) -> None:
    file_tree.write(tmp_path, file_tree.changes(tmp_path, made("apple")))
    path = tmp_path / "test_apple.py"
    os.utime(path, (1, 1))
    file_tree.write(tmp_path, file_tree.changes(tmp_path, made("apple")))
    assert path.stat().st_mtime == 1


def test_patch_makes_of_the_diff_what_would_have_been_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("models")
    file_tree.write(folder, file_tree.changes(folder, made("apple")))
    wanted = [*made("apple", more="  # another"), *made("pear")]
    planned = file_tree.changes(folder, wanted)
    diff = "".join(change.diff() for change in planned)
    assert "--- /dev/null\n+++ models/test_pear.py\n" in diff
    assert "-FAMILY = 'apple'\n+FAMILY = 'apple'  # another\n" in diff
    assert "".join(change.diff() for change in file_tree.changes(folder, made("apple"))) == ""
    subprocess.run(["git", "apply", "-p0", "-"], input=diff, text=True, check=True)
    assert contents(folder) == {item.name: item.text for item in wanted}


def test_a_file_that_was_written_by_hand_stops_the_whole(tmp_path: Path) -> None:
    (tmp_path / "test_pear.py").write_text(HAND)
    (tmp_path / "test_plum.py").write_text("")
    (tmp_path / "test_fig.py").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "test_nut.py").mkdir()
    with pytest.raises(SettingsError) as refused:
        file_tree.changes(tmp_path, made("apple", "pear", "plum", "fig", "nut"))
    for name in ("test_pear.py", "test_plum.py", "test_fig.py", "test_nut.py"):
        assert name in str(refused.value)
    assert "test_apple.py" not in str(refused.value)
    assert not (tmp_path / "test_apple.py").exists()


def test_of_many_files_in_the_way_a_few_are_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    names = [f"apple{number}" for number in range(8)]
    for name in names:
        (tmp_path / f"test_{name}.py").write_text(HAND)
    with pytest.raises(SettingsError, match=r"test_apple4\.py and 3 more"):
        file_tree.changes(tmp_path, made(*names))


def test_a_link_out_of_the_folder_is_refused_and_what_it_points_to_stays(tmp_path: Path) -> None:
    folder, outside = tmp_path / "models", tmp_path / "outside.py"
    folder.mkdir()
    outside.write_text(HEAD)
    (folder / "test_apple.py").symlink_to(outside)
    with pytest.raises(SettingsError, match="lies outside"):
        file_tree.changes(folder, made("apple"))
    (folder / "test_pear.py").symlink_to(tmp_path / "nowhere.py")
    with pytest.raises(SettingsError, match="lies outside"):
        file_tree.changes(folder, made("pear"))
    assert outside.read_text() == HEAD
    assert not (tmp_path / "nowhere.py").exists()


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="lies outside"):
        file_tree.changes(tmp_path / "models", [Made(family="x", name="../test_x.py", text=HEAD)])


def test_a_folder_that_is_itself_a_link_is_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "models").symlink_to(tmp_path / "real")
    file_tree.write(tmp_path / "models", file_tree.changes(tmp_path / "models", made("apple")))
    assert list(contents(tmp_path / "real")) == ["test_apple.py"]


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    for folder in (tmp_path / "models", tmp_path / "models" / "deeper"):
        with pytest.raises(SettingsError) as refused:
            file_tree.write(folder, file_tree.changes(folder, made("apple")))
        assert str(tmp_path / "models") in str(refused.value)
        assert "--output-dir" in str(refused.value)
    assert contents(tmp_path) == {"models": "a file where the folder should be"}


def test_where_a_file_cannot_be_put_nothing_half_written_stays(tmp_path: Path) -> None:
    """Writing ends for want of room, as with a full disk: a file may hold 4 KiB."""
    long = [Made(family="pear", name="test_pear.py", text=HEAD + "# long\n" * 4_000)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    file_tree.write(tmp_path, file_tree.changes(tmp_path, made("apple")))
    kept = contents(tmp_path)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
    try:
        with pytest.raises(SettingsError, match="cannot be written"):
            file_tree.write(tmp_path, file_tree.changes(tmp_path, long))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert contents(tmp_path) == kept


def test_left_over_is_what_archsweep_made_and_makes_no_more(tmp_path: Path) -> None:
    file_tree.write(tmp_path, file_tree.changes(tmp_path, made("apple", "pear")))
    (tmp_path / "test_hand.py").write_text(HAND)
    (tmp_path / "helper.py").write_text(HEAD)
    assert file_tree.left_over(tmp_path, ["test_apple.py"]) == [tmp_path / "test_pear.py"]
    assert file_tree.left_over(tmp_path / "nowhere", []) == []
