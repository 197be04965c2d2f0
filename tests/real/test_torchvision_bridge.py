"""torchvision beside this machine's torch: native, bridged or absent, and types that need timm in each case."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

CODE = """
import importlib, sys
def loads():
    try:
        importlib.import_module("torchvision")
        return True
    except (RuntimeError, ImportError, OSError):
        return False
"""


def python(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CODE + code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed")
def test_there_is_a_note_exactly_where_torchvision_does_not_load_by_itself() -> None:
    native = python("print(loads())").split()[-1] == "True"
    code = "from archsweep.archs.torchvision_bridge import prepare\nprint(prepare())\n"
    code += "assert loads()\nassert prepare() == prepare()"
    assert ("None" in python(code)) is native


def test_an_absent_torchvision_is_left_alone() -> None:
    code = "import importlib.util\nfind = importlib.util.find_spec\n"
    code += "importlib.util.find_spec = lambda name, *a: None if name == 'torchvision' else find(name, *a)\n"
    code += "from archsweep.archs.torchvision_bridge import prepare\nprint(prepare(), 'torch' in sys.modules)"
    assert python(code).split()[-2:] == ["None", "False"]


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
def test_a_type_whose_backbone_is_timms_can_be_built() -> None:
    code = "from archsweep.archs.importing import warm\nwarm()\nfrom transformers import AutoModel, DetrConfig\n"
    code += "import torch\nwith torch.device('meta'):\n    print(type(AutoModel.from_config(DetrConfig())).__name__)"
    assert python(code).split()[-1] == "DetrModel"
