"""Many model types are stated by few workers: one that dies, hangs or babbles costs the type in its hands alone.

The workers are real processes, and stand in for those that import torch.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from making import subject

from archsweep.archs.specification import Specification
from archsweep.contract import Subject
from archsweep.run import specifying
from archsweep.run.launch import Spawning

ANSWERING = """
import json, os, signal, sys, time
for number, group in enumerate(json.load(open(sys.argv[1] + "/asked.json"))):
    deed = group[0]["family"]
    if deed == "killed" or (deed == "spoiled" and number):
        os.kill(os.getpid(), signal.SIGSEGV)
    if deed == "leaves":
        sys.exit(3)
    if deed == "hangs":
        time.sleep(3600)
    found = [{"subject": item["model_type"] + "/" + item["class_name"], "config": {"size": 8}} for item in group]
    with open(sys.argv[1] + f"/answer-{number}.json", "w") as file:
        file.write("{" if deed == "babbles" else json.dumps(found))
"""


class Doing(Spawning):
    """Workers that do with each model type what its family says."""

    def __init__(self) -> None:
        super().__init__({})
        self.most = 0
        self.asked: list[list[str]] = []  # the model types of each worker

    def start(self, task: str, id: str, folder: Path, *, module: str = "", argument: str = "") -> None:
        words = [sys.executable, "-S", "-c", ANSWERING, str(folder)]
        self._running[id] = subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL)
        self.most = max(self.most, len(self._running))
        self.asked.append([group[0]["model_type"] for group in json.loads((folder / "asked.json").read_text())])


Run = Callable[..., dict[str, Specification]]


@pytest.fixture
def asked() -> list[list[str]]:
    """Which model types each worker was asked about."""
    return []


@pytest.fixture
def stated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[list[str]]) -> Run:
    """What is stated of groups of subjects, by subject."""

    def run(*groups: list[Subject], jobs: int = 2, deadline_s: float = 60.0) -> Any:
        monkeypatch.setattr(specifying, "DEADLINE_S", deadline_s)
        launcher = Doing()
        session: Any = SimpleNamespace(folder=tmp_path, launcher=launcher)
        try:
            answered = list(specifying.specifications(session, groups, jobs))
        finally:
            launcher.close()
        assert sorted(len(subjects) for subjects, _ in answered) == sorted(map(len, groups)), "each group once"
        assert launcher.most <= jobs
        asked.extend(launcher.asked)
        return {item.subject: item for _, found in answered for item in found}

    return run


def group(deed: str, *names: str, model_type: str = "") -> list[Subject]:
    return [subject(model_type or deed, name, family=deed) for name in names or ("Model",)]


def test_each_class_of_each_group_is_stated(stated: Run) -> None:
    groups = [group("sound", "One", "Two", model_type=f"sound_{number}") for number in range(5)]
    found = stated(*groups, jobs=3)
    assert {*found} == {f"sound_{number}/{name}" for number in range(5) for name in ("One", "Two")}
    assert {(item.lacks, item.died, item.config["size"]) for item in found.values()} == {("", False, 8)}


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("killed", "the worker was killed by SIGSEGV"),
        ("leaves", "the worker ended itself with exit code 3"),
        ("babbles", "the worker ended itself with exit code 0"),
    ],
)
def test_a_worker_that_dies_says_why_nothing_is_known_and_the_others_go_on(deed: str, words: str, stated: Run) -> None:
    found = stated(group(deed, "One", "Two"), group("sound"), jobs=1)
    assert [(found[f"{deed}/{name}"].lacks, found[f"{deed}/{name}"].died) for name in ("One", "Two")] == [
        (words, True)
    ] * 2
    assert (found["sound/Model"].lacks, found["sound/Model"].died) == ("", False)


def test_a_worker_that_hangs_is_ended_after_so_much_time_a_class(stated: Run) -> None:
    found = stated(group("hangs", "One", "Two"), deadline_s=0.2)
    assert {item.lacks for item in found.values()} == {"no answer within 0.2 s a class"}
    assert {item.died for item in found.values()} == {True}


def many(deed: str, number: int) -> list[list[Subject]]:
    return [group(deed, model_type=f"{deed}_{index}") for index in range(number)]


@pytest.mark.parametrize(("number", "each"), [(48, 6), (3, 1), (400, 16)])
def test_a_worker_states_several_types_where_there_are_many(
    number: int, each: int, stated: Run, asked: list[list[str]]
) -> None:
    """... and there are a few times as many workers as jobs: all end together."""
    assert len(stated(*many("sound", number), jobs=2)) == number
    assert {len(names) for names in asked} == {each}


@pytest.mark.parametrize("deed", ["killed", "leaves", "babbles", "hangs"])
def test_of_a_worker_that_states_several_only_the_one_in_hand_is_lost(
    deed: str, stated: Run, asked: list[list[str]]
) -> None:
    """... once it was lost in a worker that had stated nothing before, too."""
    groups = many("sound", 16)
    groups[1:2] = [group(deed)]
    found = stated(*groups, jobs=1, deadline_s=5.0)
    assert len(found) == 16
    assert [id for id, item in found.items() if item.died] == [f"{deed}/Model"]
    assert asked == [["sound_0", deed, "sound_2", "sound_3"], [deed], ["sound_2", "sound_3"], *asked[3:]]


def test_a_type_that_is_lost_to_what_others_left_behind_is_stated_all_the_same(
    stated: Run, asked: list[list[str]]
) -> None:
    found = stated(*many("spoiled", 8), jobs=1)
    assert {item.died for item in found.values()} == {False}
    assert len(found) == 8


def test_nothing_is_asked_of_nobody(stated: Run) -> None:
    assert stated() == {}
