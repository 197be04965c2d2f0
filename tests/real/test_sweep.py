"""The whole program through its command line: a sweep over every category, and what is done with its results."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

PROGRAM = "from archsweep.commands import main; main()"
SOUND = (
    "bert/BertModel", "bert/BertForTokenClassification", "gpt2/GPT2LMHeadModel", "mamba/MambaModel", "t5/T5Model",
    "vit/ViTForImageClassification", "resnet/ResNetModel", "wav2vec2/Wav2Vec2ForCTC", "whisper/WhisperModel",
    "clip/CLIPModel", "llava/LlavaForConditionalGeneration", "patchtst/PatchTSTModel", "esm/EsmModel",
    "newcomer/NewcomerModel",
)  # fmt: skip
LACKING = "layoutlmv2/LayoutLMv2Model"  # needs detectron2
FAILING = "latecomer/LatecomerModel"
ALL = ",".join((*SOUND, LACKING, FAILING))
PATIENCE_S = 400.0


class Place:
    """A folder with a database and a cache, and the command line called in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        paths = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "src")]
        mine = {name: value for name, value in os.environ.items() if not name.startswith("ARCHSWEEP_")}
        self.environment = {
            **mine,
            "PYTHONPATH": os.pathsep.join(paths),
            "HF_HUB_OFFLINE": "1",
            "ARCHSWEEP_CACHE": str(folder / "cache"),
            "ARCHSWEEP_IMPORTS": "newcomer",
        }

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        command, environment = [sys.executable, "-c", PROGRAM, *words], {**self.environment, **variables}
        return subprocess.Popen(
            command, env=environment, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def call(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        output, errors = process.communicate(timeout=PATIENCE_S)
        return process.returncode, output, errors

    def sweep(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, output, errors = self.call("run", "--quiet", "--json", *words)
        assert output.strip(), errors
        return code, json.loads(output.strip().splitlines()[-1])

    def query(self, sql: str, database: str = "archsweep.duckdb") -> list[dict[str, Any]]:
        code, output, errors = self.call("query", sql, "--db", database, "--json")
        assert code == 0, errors
        rows: list[dict[str, Any]] = json.loads(output)
        return rows

    def endings(self, database: str = "archsweep.duckdb") -> dict[str, tuple[str, str, str | None]]:
        """Status, stage and digest of the outputs, by case."""
        sql = """select "case", status, stage, json_extract_string(details, '$.digest') as digest from results"""
        return {row["case"]: (row["status"], row["stage"], row["digest"]) for row in self.query(sql, database)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="module")
def swept(place: Place) -> tuple[int, dict[str, Any]]:
    return place.sweep("--class", ALL, "--jobs", "2")


def test_every_category_is_verified(place: Place, swept: tuple[int, dict[str, Any]]) -> None:
    rows = place.query('select "case", status, evidence, category, message, device from cells')
    bad = [row for row in rows if row["case"].partition(":")[0] in SOUND and row["status"] != "pass"]
    assert bad == []
    passed = [row for row in rows if row["status"] == "pass"]
    assert len(passed) == 2 * len(SOUND)
    assert {row["evidence"] for row in passed} == {"hardware"}
    assert all(row["device"] for row in passed)
    sound = {row["category"] for row in passed}
    assert sound == {
        "text-encoders", "text-decoders", "text-encoder-decoders", "vision", "audio", "multimodal", "other",
    }  # fmt: skip


def test_the_summary_says_what_came_of_it(swept: tuple[int, dict[str, Any]]) -> None:
    code, summary = swept
    lacking = 0 if importlib.util.find_spec("detectron2") else 2
    assert code == 1
    assert summary["planned"] == summary["executed"] == 2 * (len(SOUND) + 2)
    assert summary["findings"] == summary["by_status"]["error"] == 2
    assert summary["by_status"].get("unavailable", 0) == lacking
    assert summary["verified"] == summary["by_platform"]["cpu"]["verified"] >= len(SOUND)
    assert summary["reused"] == 0
    assert summary["peak_mb"] > 100


@pytest.mark.skipif(importlib.util.find_spec("detectron2") is not None, reason="detectron2 is here")
def test_a_missing_package_is_named_with_the_command_that_brings_it(
    place: Place, swept: tuple[int, dict[str, Any]]
) -> None:
    for check in ("forward", "parity"):
        (row,) = place.query(f"""select status, evidence, message from cells where "case" = '{LACKING}:cpu:{check}'""")
        assert (row["status"], row["evidence"]) == ("unavailable", "none")
        assert "pip install detectron2" in row["message"]


def test_a_killed_sweep_goes_on_and_another_number_of_jobs_changes_no_bit(
    place: Place, swept: tuple[int, dict[str, Any]]
) -> None:
    gate = {"NEWCOMER_GATE": str(place.folder / "never")}  # one subject waits, so that the kill finds work undone
    first = place.start("run", "--quiet", "--class", ALL, "--jobs", "1", "--db", "again.duckdb", **gate)
    journals = place.folder / "again.duckdb.journals"
    deadline = time.monotonic() + PATIENCE_S
    while sum(path.read_text().count('"result"') for path in journals.glob("*.jsonl")) < 4:
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=PATIENCE_S)
    code, summary = place.sweep("--resume", "--jobs", "1", "--db", "again.duckdb")
    assert code == 1
    assert 0 < summary["executed"] < summary["planned"] == swept[1]["planned"]
    assert summary["by_status"] == swept[1]["by_status"]
    assert not journals.exists()
    one, other = place.endings(), place.endings("again.duckdb")
    assert len(other) == summary["planned"]
    assert other == one
    assert all(digest for status, _, digest in one.values() if status == "pass")


def test_only_what_is_stale_or_new_runs_and_the_rest_counts_on(place: Place, swept: tuple[int, dict[str, Any]]) -> None:
    lacking = swept[1]["by_status"].get("unavailable", 0)  # was never tried
    code, summary = place.sweep("--class", ALL, "--only", "stale")
    assert (code, summary["executed"], summary["reused"]) == (0, lacking, swept[1]["planned"] - lacking)
    assert summary["verified"] == swept[1]["verified"]
    code, output, errors = place.call("accept", "latest", "--output", "taken_over")
    assert (code, f"{swept[1]['planned']} endings" in output) == (0, True), output + errors
    code, summary = place.sweep("--class", f"{ALL},albert/AlbertModel", "--only", "new")
    assert (code, summary["executed"], summary["reused"]) == (1, 2 + lacking, swept[1]["planned"] - lacking)
    assert summary["findings"] == 2  # reused, and no earlier run of this selection had them
    assert summary["verified"] == swept[1]["verified"] + 1
    code, summary = place.sweep("--class", FAILING, "--only", "stale", "--strict")
    assert (code, summary["executed"], summary["findings"]) == (1, 0, 2)


def test_accepted_failures_are_no_findings_and_strict_forgives_nothing(
    place: Place, swept: tuple[int, dict[str, Any]]
) -> None:
    code, output, errors = place.call("accept", swept[1]["run"], "--output", "accepted")
    assert code == 0, errors
    assert str(swept[1]["planned"]) in output
    held = json.loads((place.folder / "accepted" / "latecomer.baseline.json").read_text())["cases"]
    assert held[f"{FAILING}:cpu:parity"]["status"] == "error"
    failed = ("--class", ALL, "--only", "failed")
    accepted = place.sweep(*failed, "--baseline", "accepted", "--db", "archsweep.duckdb")
    place.call("export", swept[1]["run"], "accepted.jsonl.gz")
    for form in ("accepted.jsonl.gz", "archsweep.duckdb"):
        code, summary = place.sweep(*failed, "--baseline", form)
        assert (code, summary["executed"], summary["findings"]) == (0, 2, 0)
    strict = place.sweep(*failed, "--baseline", "accepted", "--strict")
    assert (accepted[0], accepted[1]["executed"], accepted[1]["findings"]) == (0, 2, 0)
    assert (strict[0], strict[1]["executed"], strict[1]["findings"]) == (1, 2, 2)


def script_of(place: Place, folder: Path, case: str, *words: str) -> subprocess.CompletedProcess[str]:
    """What the script of a case does, in a process that knows no archsweep."""
    file = folder / "repro.py"
    ended, _, errors = place.call("repro", case, "--output", str(file), *words)
    assert ended == 0, errors
    text = file.read_text()
    assert len(text.splitlines()) <= 40
    assert "archsweep" not in text
    environment = {**place.environment, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", str(file)]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("subject", ["bert/BertModel", "clip/CLIPModel", "whisper/WhisperModel", "resnet/ResNetModel"])
def test_a_passing_cell_becomes_a_short_script_that_passes_with_the_same_numbers(
    place: Place, swept: tuple[int, dict[str, Any]], tmp_path: Path, subject: str
) -> None:
    done = script_of(place, tmp_path, f"{subject}:cpu:parity")
    assert done.returncode == 0, done.stderr
    found = max(float(word) for word in re.findall(r"relative error (\S+),", done.stdout))
    (row,) = place.query(f"""select m.value from results r join metrics m on m.result = r.id
        where r."case" = '{subject}:cpu:parity' and m.name = 'worst_relative' order by r.finished_at limit 1""")
    assert found == pytest.approx(row["value"], rel=0.2)  # the weights and inputs are the same, not merely alike


def test_a_cell_that_raised_becomes_a_script_that_raises(
    place: Place, swept: tuple[int, dict[str, Any]], tmp_path: Path
) -> None:
    done = script_of(place, tmp_path, f"{FAILING}:cpu:parity")
    assert done.returncode == 1
    assert "ValueError: the latecomer never arrives" in done.stderr


def test_a_cell_with_wrong_numbers_becomes_a_script_that_fails(place: Place, tmp_path: Path) -> None:
    words = ("--import", "wobbler", "--db", "wobbler.duckdb")
    place.sweep("--class", "wobbler/WobblerModel", "--dtype", "float32,bfloat16", "--check", "parity", *words)
    codes = {}
    for row in place.query('select "case", status, dtype from cells', "wobbler.duckdb"):
        done = script_of(place, tmp_path, row["case"], *words)
        codes[row["dtype"]] = (row["status"], done.returncode, "wrong: ['output.last_hidden_state']" in done.stderr)
    assert codes == {"float32": ("pass", 0, False), "bfloat16": ("fail", 1, True)}


def test_a_part_of_a_cell_is_answered_with_the_cells_that_are_meant(
    place: Place, swept: tuple[int, dict[str, Any]]
) -> None:
    code, _, errors = place.call("repro", "gpt2")
    assert (code, "2 cells" in errors, "gpt2/GPT2LMHeadModel:cpu:parity" in errors) == (2, True, True), errors


@pytest.mark.skipif(importlib.util.find_spec("detectron2") is not None, reason="detectron2 is here")
def test_a_class_that_lacks_a_package_becomes_a_script_that_shows_it(
    place: Place, swept: tuple[int, dict[str, Any]], tmp_path: Path
) -> None:
    done = script_of(place, tmp_path, f"{LACKING}:cpu:parity")
    assert (done.returncode, "detectron2" in done.stderr) == (1, True), done.stderr


def test_with_a_catalog_at_hand_a_wrong_name_is_said_before_anything_starts(
    place: Place, swept: tuple[int, dict[str, Any]]
) -> None:
    code, output, errors = place.call("run", "--model", "bret")
    assert (code, "unknown model 'bret'" in errors, "starting" in output + errors) == (2, True, False), errors


def test_a_run_goes_out_and_comes_in_again_once(place: Place, swept: tuple[int, dict[str, Any]]) -> None:
    code, _, errors = place.call("export", swept[1]["run"], "run.jsonl.gz")
    assert code == 0, errors
    added = []
    for _ in range(2):
        code, output, errors = place.call("import", "run.jsonl.gz", "--db", "other.duckdb", "--json")
        assert code == 0, errors
        added.append(json.loads(output)[0]["added"])
    assert added == [swept[1]["planned"], 0]
    sql = f"select \"case\", status, fingerprint, finished_at from results where run = '{swept[1]['run']}' order by 1"
    assert place.query(sql, "other.duckdb") == place.query(sql)


def test_an_imported_architecture_joins_every_verb(place: Place, swept: tuple[int, dict[str, Any]]) -> None:
    code, output, errors = place.call("list", "models", "--model", "newcomer", "--json", "--import", "newcomer")
    assert code == 0, errors
    (listed,) = json.loads(output)
    assert (listed["model_type"], listed["base_class"]) == ("newcomer", "NewcomerModel")
    code, output, _ = place.call("show", "newcomer/NewcomerModel:cpu:parity", "--json")
    assert code == 0
    assert json.loads(output)["status"] == "pass"
    code, output, _ = place.call("matrix", "--by", "class")
    assert code == 0
    assert "NewcomerModel" in output
