"""What generated files state is read off their text; nothing of it is run, and what cannot be read is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from archsweep.analysis.universe import Stated
from archsweep.render.stated_files import BY_HAND, read

HEAD = (
    '"""pear.\n\nMade by archsweep 0.1.0 from transformers 5.23.0.\n"""\n\nfrom archsweep.testing import Architecture\n'
)
PEAR = 'Architecture(model_type="pear", config={"size": 8}, classes={"PearModel": {"tasks": ["x"]}, "PearHead": {}})'
TOWER = 'Architecture(model_type="pear_tower", classes={"PearTower": {}})'


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_model_types_and_classes_of_each_file_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "test_pear.py", f"{HEAD}\nARCHITECTURES = [{PEAR}, {TOWER}]\n")
    written(tmp_path, "conftest.py", "ARCHITECTURES = 1\n")
    tree = read(tmp_path)
    assert tree.stated == (
        Stated(model_type="pear", classes=("PearModel", "PearHead"), file=str(path)),
        Stated(model_type="pear_tower", classes=("PearTower",), file=str(path)),
    )
    assert tree.left == {}


def test_no_folder_states_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "none").stated == ()


def test_nothing_of_a_file_is_run(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    evil = f'__import__("pathlib").Path({str(trap)!r}).touch()'
    path = written(tmp_path, "test_evil.py", f"{HEAD}\n{evil}\nARCHITECTURES = [Architecture(model_type={evil})]\n")
    assert read(tmp_path).left == {path: "broken: line 9: an architecture of other than plain values"}
    assert not trap.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ARCHITECTURES = [", "broken: '[' was never closed (<unknown>, line 8)"),
        ("", "broken: it has no list ARCHITECTURES"),
        ("ARCHITECTURES = make()", "broken: it has no list ARCHITECTURES"),
        ("ARCHITECTURES = [1]", "broken: line 8: ARCHITECTURES holds something else than architectures"),
        ('ARCHITECTURES = [Architecture(model_type="pear")]', "broken: line 8: an architecture without model_type"),
        ("ARCHITECTURES = [Architecture(**pear)]", "broken: line 8: an architecture of other than plain values"),
    ],
)
def test_a_broken_file_is_named_and_states_nothing(text: str, reason: str, tmp_path: Path) -> None:
    sound = written(tmp_path, "test_sound.py", f"{HEAD}\nARCHITECTURES = [{TOWER}]\n")
    path = written(tmp_path, "test_pear.py", f"{HEAD}\n{text}\n")
    tree = read(tmp_path)
    assert [item.file for item in tree.stated] == [str(sound)]
    assert tree.left[path].startswith(reason)


def test_a_file_by_hand_is_named_whatever_it_holds(tmp_path: Path) -> None:
    mine = written(tmp_path, "test_mine.py", f"ARCHITECTURES = [{PEAR}]\n")
    bytes_only = tmp_path / "test_noise.py"
    bytes_only.write_bytes(b"\xff\xfe\x00")
    folder = tmp_path / "test_folder.py"
    folder.mkdir()
    tree = read(tmp_path)
    assert tree.stated == ()
    assert tree.left == {mine: BY_HAND, bytes_only: BY_HAND, folder: "cannot be read: Is a directory"}
