"""A dozen architectures of different kinds on every platform that executes on a plain machine, all the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from requiring import absent

PROGRAM = "from archsweep.commands import main; main()"
MODELS = (
    "bert", "llama", "mixtral", "mamba", "t5", "vit", "resnet", "detr", "wav2vec2", "whisper", "clip", "patchtst",
)  # fmt: skip
EXECUTING = ("cpu", "openvino", "qualcomm", "webgpu", "webnn")
SOFTWARE = ("swiftshader", "llvmpipe", "lavapipe")
PATIENCE_S = 1500.0


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], env=environment, cwd=folder, text=True, capture_output=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("platforms")
    words = ("--model", ",".join(MODELS), "--platform", ",".join(EXECUTING), "--timeout", "300")
    swept = call(folder, "run", "--base", "--quiet", *words)
    assert swept.returncode in (0, 1), swept.stderr
    asked = call(folder, "query", "select * from cells", "--json")
    assert asked.returncode == 0, asked.stderr
    found: list[dict[str, Any]] = json.loads(asked.stdout)
    return found


@pytest.mark.parametrize("platform", EXECUTING)
def test_a_platform_verifies_architectures_of_every_kind(rows: list[dict[str, Any]], platform: str) -> None:
    own = [row for row in rows if row["platform"] == platform]
    assert len(own) == 2 * len(MODELS)
    if all(row["status"] == "unavailable" for row in own):
        absent(platform, own[0]["message"])
    for row in own:
        assert row["status"] == "pass", row
        assert row["device"]


def test_evidence_is_what_the_device_is(rows: list[dict[str, Any]]) -> None:
    passed = [row for row in rows if row["status"] == "pass"]
    here = {row["platform"] for row in rows if row["status"] != "unavailable"}
    assert here == {row["platform"] for row in passed}
    for row in passed:
        emulated = "emulated" in row["device"] or any(word in row["device"].lower() for word in SOFTWARE)
        assert row["evidence"] == ("emulator" if emulated else "hardware"), row
        if row["platform"] == "qualcomm" and not Path("/dev/adsprpc-smd").exists():
            assert emulated
