"""Many model types are stated by a worker each: one that dies, hangs or babbles costs what it was asked about alone.

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

ANSWERS = (
    "import json, sys; [asked] = sys.argv[2:]; found = [{'subject': f\"{item['model_type']}/{item['class_name']}\", "
)
ANSWERS += "'config': {'size': 8}} for item in json.loads(asked)]; open(sys.argv[1] + '/answer.json', 'w').write("
ANSWERS += "json.dumps(found))"
DEEDS = {
    "sound": ANSWERS,
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "leaves": "import sys; sys.exit(3)",
    "babbles": "import sys; open(sys.argv[1] + '/answer.json', 'w').write('{')",
    "hangs": "import time; time.sleep(3600)",
}


class Doing(Spawning):
    """Starts what the model type of the subjects says."""

    def __init__(self) -> None:
        super().__init__({})
        self.most = 0

    def start(self, task: str, id: str, folder: Path, *, module: str = "", argument: str = "") -> None:
        deed = DEEDS[json.loads(argument)[0]["family"]]
        words = [sys.executable, "-S", "-c", deed, str(folder), argument]
        self._running[id] = subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL)
        self.most = max(self.most, len(self._running))


Run = Callable[..., dict[str, Specification]]


@pytest.fixture
def stated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
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


def test_nothing_is_asked_of_nobody(stated: Run) -> None:
    assert stated() == {}
