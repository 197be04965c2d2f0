"""`archsweep generate` for real: what is written, what would be, what is refused, and what a run of the files says."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from archsweep import settings
from archsweep.archs import catalog
from archsweep.commands import _generating, _verifying, main
from archsweep.store import read

HAND = '"""By hand."""\n\nfrom archsweep.testing import Case\n'
OWN = '''"""{{ family }}, as this project tests it.

{{ mark }} {{ versions.archsweep }}.
"""

import pytest

from archsweep.testing import Architecture

ARCHITECTURES = [
{% for call in architectures %}
{{ call }}
{% endfor %}
]
{% if family == "encodec" %}


@pytest.mark.skip(reason="not today")
{% endif %}
def {{ function }}(archsweep_case):
    archsweep_case.verify()
    assert (archsweep_case.planned.case.check, "{{ family }}") != ("parity", "decision_transformer"), "made to fail"
{% if family == "patchtst" %}


raise ValueError("it cannot be imported")
{% endif %}
'''

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def cache() -> Path:
    """A place that has the catalog."""
    cache = settings.cache_root().absolute()
    catalog.load(cache=cache)
    return cache


@pytest.fixture
def command(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs the command line in an empty folder: exit code, standard output, standard error."""
    for name in [name for name in os.environ if name.startswith("ARCHSWEEP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("ARCHSWEEP_JOBS", "2")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["archsweep", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return int(ending.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def generate(command: Command) -> Command:
    def run(*words: str) -> tuple[int, str, str]:
        return command("generate", "--quiet", "--output-dir", "models", *words)

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("bret",), ("unknown architecture 'bret'", "bert", "archsweep list models")),
        (("univnet", "bret"), ("unknown architecture 'bret'",)),
        (("BertModel",), ("unknown architecture 'BertModel'", "Nearest: bert/BertModel", "archsweep generate bert\n")),
        (("univnet", "bert/BertModle"), ("unknown architecture 'bert/BertModle'", "archsweep generate bert\n")),
        ((), ("nothing to generate", "--all")),
        (("univnet", "--all"), ("--all is everything", "univnet")),
        (("--category", "visoin"), ("unknown category 'visoin'", "vision")),
        (("--priority", "urgent"), ("unknown priority 'urgent'",)),
        (("--phase", "9"), ("unknown phase '9'",)),
        (("--category", ""), ("--category is empty",)),
        (("univnet", "--category", "vision"), ("univnet is not in what is left by --category vision", "Leave out")),
        (("bert", "vit", "--category", "vision", "--list"), ("bert is not in what is left by --category vision",)),
        (("vit", "bert", "t5", "--priority", "low,high"), ("bert, t5 are not in what is left by --priority low,high",)),
        (
            ("clip_text_model", "bert", "univnet", "--phase", "1,6", "--category", "vision,audio"),
            ("bert, univnet are not in what is left by --category vision,audio --phase 1,6",),
        ),
        (
            ("--phase", "1", "--category", "multimodal"),
            ("no model folder is in what is left by --category multimodal",),
        ),
        (("univnet", "--list", "--dry-run"), ("ask for different things",)),
        (("univnet", "--check", "--verify"), ("ask for different things",)),
        (("univnet", "--save-results", "a.duckdb"), ("Add --verify",)),
        (("univnet", "--verify", "--save-results", "no/such/a.duckdb"), ("there is no folder",)),
        (("univnet", "--jobs", "0"), ("--jobs", "at least 1")),
        (("univnet", "--template", "enocder-only"), ("no template 'enocder-only'", "encoder-only")),
        (("univnet", "--template", "codec"), ("the template codec is for codec, and univnet is generator",)),
        (("univnet", "--tempalte", "codec"), ("--template",)),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    words: tuple[str, ...], parts: tuple[str, ...], generate: Command, tmp_path: Path
) -> None:
    code, out, err = generate(*words)
    assert (code, out) == (2, ""), err
    for part in parts:
        assert part in err
    assert list(tmp_path.iterdir()) == []


def test_a_file_by_hand_is_in_the_way_of_all(generate: Command, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "test_univnet.py").write_text(HAND)
    before = contents(tmp_path)
    for words in ((), ("--list",), ("--dry-run",), ("--check",), ("--verify",)):
        code, _, err = generate("encodec", "univnet", *words)
        assert (code, "not overwritten: models/test_univnet.py" in err) == (2, True), err
        assert contents(tmp_path) == before


def test_a_folder_that_takes_no_file_is_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    for folder in ("models", "models/deeper", "/proc/nowhere"):
        code, _, err = command("generate", "univnet", "--quiet", "--output-dir", folder)
        assert (code, folder.split("/")[0] in err) == (2, True), err
    assert contents(tmp_path) == {"models": b"a file where the folder should be"}


def test_to_list_and_to_show_a_diff_writes_nothing(generate: Command, tmp_path: Path) -> None:
    code, out, err = generate("univnet", "encodec", "--list")
    assert (code, out.split("\n")) == (0, ["new     models/test_encodec.py", "new     models/test_univnet.py", ""]), err
    assert "2 would be written (2 new, 0 changed), 0 as they are" in err
    code, out, err = generate("univnet", "--dry-run")
    assert code == 0
    assert out.startswith("--- /dev/null\n+++ models/test_univnet.py\n@@")
    assert "+    archsweep_case.verify()" in out
    assert list(tmp_path.iterdir()) == []


def test_what_is_stale_or_missing_is_found_and_stays_as_it_is_until_it_is_written(
    generate: Command, tmp_path: Path
) -> None:
    code, out, err = generate("univnet", "encodec")
    assert (code, out) == (0, "")
    assert "2 written (2 new, 0 changed), 0 as they are" in err
    whole, path = contents(tmp_path), tmp_path / "models" / "test_univnet.py"
    assert generate("univnet", "encodec", "--check")[0] == 0
    path.write_text(path.read_text().replace('"vocoder"', '"singer"'))
    (tmp_path / "models" / "test_encodec.py").unlink()
    before = contents(tmp_path)
    code, _, err = generate("univnet", "encodec", "--check")
    assert code == 1
    assert "  new: models/test_encodec.py\n  changed: models/test_univnet.py\n" in err
    code, out, _ = generate("univnet", "encodec", "--dry-run")
    assert (code, '-        role="singer",\n+        role="vocoder",\n' in out) == (0, True)
    assert contents(tmp_path) == before
    assert generate("univnet", "encodec")[0] == 0
    assert contents(tmp_path) == whole


def test_a_sweep_leaves_what_generate_would_search_for_byte_for_byte(
    generate: Command, command: Command, tmp_path: Path, cache: Path
) -> None:
    """Of encoders, decoders with and without heads, images, sound and what is made of parts."""
    names = ("albert", "gpt_neo", "t5", "vit", "wav2vec2", "clip", "mamba", "univnet")
    kept = {}
    for name, words in {"generate": ("generate", *names, "--output-dir", "models"),
                        "run": ("run", "--family", ",".join(names), "--check", "forward")}.items():  # fmt: skip
        place = tmp_path / name
        shutil.copytree(cache / "catalog", place / "catalog")
        assert command(*words, "--quiet", "--cache", str(place))[0] == 0
        kept[name] = contents(place / "specifications")
    assert kept["run"] == kept["generate"]
    universe = catalog.load(cache=cache)
    assert len(kept["run"]) == sum(item.family in names and bool(item.mappings) for item in universe.subjects)


def test_a_sweep_of_the_rules_alone_leaves_nothing(command: Command, tmp_path: Path, cache: Path) -> None:
    shutil.copytree(cache / "catalog", tmp_path / "cache" / "catalog")
    words = ("run", "--class", "univnet/UnivNetModel", "--check", "forward", "--quiet", "--cache", "cache")
    assert command(*words, "--rules-alone")[0] == 0
    assert not (tmp_path / "cache" / "specifications").exists()
    assert command(*words)[0] == 0
    assert len(contents(tmp_path / "cache" / "specifications")) == 1


def test_of_all_what_stands_for_nothing_any_more_is_left_over_and_stale(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All takes minutes to build: here everything is the two that are made first."""
    assert command("generate", "--quiet", "--output-dir", "models", "univnet", "encodec")[0] == 0
    monkeypatch.setattr(_generating, "families", lambda universe, wanted: ["univnet"])
    code, out, err = command("generate", "--quiet", "--output-dir", "models", "--all", "--check", "--json")
    assert (code, "left over: models/test_encodec.py" in err, "univnet" in err) == (1, True, False), err
    assert json.loads(out.splitlines()[-1])["left_over"] == ["models/test_encodec.py"]
    (tmp_path / "models" / "test_encodec.py").unlink()
    assert command("generate", "--quiet", "--output-dir", "models", "--all", "--check")[0] == 0


def test_only_what_is_missing_is_made(generate: Command, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "test_univnet.py").write_text(HAND)
    code, out, _ = generate("univnet", "encodec", "--missing", "--list")
    assert (code, out) == (0, "new     models/test_encodec.py\n")
    assert generate("univnet", "encodec", "--missing")[0] == 0
    code, _, err = generate("univnet", "encodec", "--missing")
    assert (code, "0 written (0 new, 0 changed), 0 as they are" in err) == (0, True)
    assert contents(tmp_path / "models")["test_univnet.py"] == HAND.encode()
    assert {*contents(tmp_path / "models")} == {"test_univnet.py", "test_encodec.py"}


def test_a_model_type_stands_for_the_folder_that_it_is_in(generate: Command) -> None:
    """... once, and in the order of the roadmap, however it is asked for."""
    code, out, err = generate("clip_text_model", "clip", "clip_vision_model", "bert", "--list")
    assert (code, out) == (0, "new     models/test_bert.py\nnew     models/test_clip.py\n"), err
    code, out, _ = generate("clip_text_model", "--category", "multimodal", "--list")
    assert (code, out) == (0, "new     models/test_clip.py\n")


def test_the_summary_is_the_last_line(generate: Command) -> None:
    _, out, _ = generate("univnet", "encodec", "--json")
    assert json.loads(out.splitlines()[-1]) == {"files": 2, "new": 2, "not_made": {}, "left_over": []}
    _, out, _ = generate("univnet", "--check", "--json")
    assert json.loads(out.splitlines()[-1]) == {"files": 1, "same": 1, "not_made": {}, "left_over": []}


def test_a_template_that_fits_is_taken(generate: Command, tmp_path: Path) -> None:
    assert generate("univnet", "--template", "generator")[0] == 0
    assert generate("univnet", "--check")[0] == 0
    (tmp_path / "own.py.j2").write_text(OWN)
    assert generate("univnet", "--template", "own.py.j2")[0] == 0
    text = (tmp_path / "models" / "test_univnet.py").read_text()
    assert text.startswith('"""univnet, as this project tests it.\n\nMade by archsweep ')
    assert generate("univnet", "--check", "--template", "own.py.j2")[0] == 0
    (tmp_path / "own.py.j2").write_text(OWN.replace("archsweep_case", "nothing"))
    code, _, err = generate("univnet", "--template", "own.py.j2")
    assert (code, "its text has no archsweep_case" in err) == (2, True)
    assert (tmp_path / "models" / "test_univnet.py").read_text() == text


def test_files_are_run_and_each_that_fails_is_named_and_stays(generate: Command, tmp_path: Path) -> None:
    """One passes, one was made to fail, of one every test is skipped, and one cannot be imported."""
    (tmp_path / "own.py.j2").write_text(OWN)
    names = ("univnet", "decision_transformer", "encodec", "patchtst")
    code, out, err = generate(
        *names, "--template", "own.py.j2", "--verify", "--save-results", "a.duckdb", "--json", "--jobs", "1"
    )
    assert code == 1, err
    summary = json.loads(out.splitlines()[-1])
    assert (summary["files"], summary["verified"], summary["tests"]) == (4, 1, 3)
    assert "1 of 4 files compile, collect and pass" in out
    faults = {Path(path).stem.removeprefix("test_"): fault for path, fault in summary["failed"].items()}
    assert {*faults} == {*names} - {"univnet"}
    assert "1 of 2 tests" in faults["decision_transformer"]
    assert "decision_transformer/DecisionTransformerModel:cpu:parity" in faults["decision_transformer"]
    assert "made to fail" in faults["decision_transformer"]
    assert faults["encodec"] == "all of its 2 tests are skipped"
    assert "it cannot be imported" in faults["patchtst"]
    for name in ("decision_transformer", "encodec", "patchtst"):
        assert f"fails: models/test_{name}.py: {faults[name]}" in err
    assert {*contents(tmp_path / "models")} == {f"test_{name}.py" for name in names}
    assert "made to fail" in (tmp_path / "models" / "test_decision_transformer.py").read_text()
    _, rows = read.query(tmp_path / "a.duckdb", 'select "case", status from cells order by all')
    assert rows == [
        (f"{subject}:cpu:{check}", "pass")
        for subject in ("decision_transformer/DecisionTransformerModel", "univnet/UnivNetModel")
        for check in ("forward", "parity")
    ]


def test_a_file_that_is_no_python_is_known_without_running_it(tmp_path: Path) -> None:
    texts = {"test_a.py": b"def test_it(:\n", "test_b.py": b"x = '\xff'\n", "test_c.py": b"x = '\x00'\n"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
    found = _verifying.verified([tmp_path / name for name in texts], {"quiet": True, "database": None, "jobs": "1"})
    assert all(item.fault.startswith("does not compile: ") for item in found)
    assert {(item.passed, item.skipped) for item in found} == {(0, 0)}
