"""Generated files find what is planted into a platform, one fault a check; the CPU, asked the same, passes them all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as Xml
from collections.abc import Mapping
from pathlib import Path

import planted
import pytest

from archsweep import settings
from archsweep.archs import catalog

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples" / "generated"
# What is planted into a class is found by this check, which says this.
FOUND = {
    "bert/BertModel:parity": "relative error",
    "bert/BertForMaskedLM:parity": "elements are NaN",
    "bert/BertForTokenClassification:forward": "error at run (evidence: hardware)\nplanted: this model",
    "bert/BertForQuestionAnswering:batch": "a row alone differs",
    "bert/BertForSequenceClassification:pipeline": "relative error",
    "bert/BertForNextSentencePrediction:backward": "relative error",
    "bert/BertForPreTraining:save_load": "no longer tied",
    "bert/BertForMultipleChoice:speed": "timed runs: ",
    "bert/BertLMHeadModel:generate": "greedy: ",
    "gpt2/GPT2Model:attention": "sdpa: ",
    "gpt2/GPT2ForSequenceClassification:save_load": "missing keys",
    "gpt2/GPT2ForTokenClassification:batch": "without its padding",
    "gpt2/GPT2ForQuestionAnswering:compile": "relative error",
    "vit/ViTModel:export": "torch.export: ",
    "vit/ViTForImageClassification:quantize": " dB",
    "vit/ViTForMaskedImageModeling:forward": "crash at run (evidence: hardware)\nthe worker was killed by SIGSEGV",
    "llava/LlavaModel:parity": "relative error",
}
LYING, LIED = "lying", "bert/BertModel:parity"  # a platform that hands out the reference, and what it is asked
UNTOUCHED = "gpt2/GPT2ForSequenceClassification:parity"  # its fault is in what it saves


def case(name: str, platform: str) -> str:
    subject, _, check = name.partition(":")
    return f"{subject}:{platform}:{check}"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Mapping[str, Xml.Element]]:
    """Exit code of pytest, what it printed, and the cases of its report by id: all on both platforms."""
    catalog.load(cache=settings.cache_root())
    folder = tmp_path_factory.mktemp("planted")
    information = folder / "packages" / "planted-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    points = f"[archsweep.platforms]\n{planted.NAME} = planted\n{LYING} = {LYING}\n"
    (information / "entry_points.txt").write_text(points)
    files = sorted({f"test_{name.partition('/')[0]}.py" for name in FOUND})
    for name in files:
        shutil.copy(EXAMPLES / name, folder)
    pairs = [name.partition("/")[2].split(":") for name in (*FOUND, UNTOUCHED)]
    words = ["-m", "pytest", "-p", "archsweep.testing.plugin", "-p", "no:cacheprovider", "-rA", "--junitxml=report.xml"]
    words += ["--platform", f"cpu,{planted.NAME},{LYING}", "--check", ",".join(sorted({check for _, check in pairs}))]
    chosen = " or ".join(f"({name} and {check})" for name, check in pairs)
    words += ["-k", f"({chosen}) and (not {LYING} or (BertModel and parity))", *files]
    paths = [str(information.parent), str(HERE), str(HERE / "plugins"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": os.pathsep.join(paths), "ARCHSWEEP_CACHE": str(settings.cache_root().absolute())}
    environment |= {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    cases = Xml.parse(folder / "report.xml").getroot().iter("testcase")
    found = {str(item.get("name")).partition("[")[2].removesuffix("]"): item for item in cases}
    return done.returncode, done.stdout + done.stderr, found


@pytest.mark.parametrize("name", FOUND)
def test_a_fault_is_found_and_the_same_without_it_passes(
    name: str, ended: tuple[int, str, Mapping[str, Xml.Element]]
) -> None:
    code, said, cases = ended
    assert code == 1, said[-3000:]
    honest = [tag for tag in cases[case(name, "cpu")] if tag.tag != "properties"]
    assert honest == [], [tag.get("message") for tag in honest]
    failures = cases[case(name, planted.NAME)].findall("failure")
    assert len(failures) == 1, f"planted and not found: {name}"
    message = str(failures[0].get("message"))
    assert message.startswith(f"Failed: {case(name, planted.NAME)}: "), message
    assert FOUND[name] in message, message
    assert f"[{case(name, planted.NAME)}]" in said.partition("short test summary")[2], "the summary names the case"


def test_nothing_is_believed_of_a_platform_on_which_what_is_wrong_passes(
    ended: tuple[int, str, Mapping[str, Xml.Element]],
) -> None:
    _, _, cases = ended
    (failure,) = cases[case(LIED, LYING)].findall("failure")
    message = str(failure.get("message"))
    assert message.startswith(f"Failed: {case(LIED, LYING)}: broken at "), message
    assert "\nnot to be trusted: the " in message
    assert "the wrong sentinel ended pass" in message


def test_what_a_fault_does_not_touch_passes_on_that_platform_too(
    ended: tuple[int, str, Mapping[str, Xml.Element]],
) -> None:
    """So the platform itself is sound."""
    _, said, cases = ended
    for platform in ("cpu", planted.NAME):
        assert cases[case(UNTOUCHED, platform)].findall("failure") == []
    assert len(cases) == 2 * (len(FOUND) + 1) + 1
    assert f"{len(FOUND) + 1} failed, {len(FOUND) + 2} passed" in said


def test_something_is_planted_into_every_class_that_is_asked_about() -> None:
    subjects = {name.partition(":")[0] for name in FOUND}
    assert subjects == {*planted.FAULTS, *planted.WRONG_SCALES}
