"""A runtime that is missing, does not load or is of another version: each platform says so, and none raises."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archsweep import registry
from archsweep.settings import DEFAULT_PLATFORM

RUNTIMES = ("onnx", "onnxruntime", "onnxruntime_qnn", "openvino", "playwright")
OWN = {"openvino": "openvino", "qualcomm": "onnxruntime-qnn", "webgpu": "playwright", "webnn": "playwright"}
EVERY, DRIVING = RUNTIMES, tuple(name.replace("-", "_") for name in dict.fromkeys(OWN.values()))
PLANTED = {
    "missing": (EVERY, "raise ModuleNotFoundError(f'No module named {__name__!r}', name=__name__)"),
    "unloadable": (EVERY, "raise ImportError('libruntime.so.2: cannot open shared object file', name=__name__)"),
    "unfit": (EVERY, "raise TypeError('descriptors cannot be created directly')"),
    "ancient": (EVERY, "__version__ = '0.1.0'"),
    "ancient alone": (DRIVING, "__version__ = '0.1.0'"),  # what they are built on is here
    "useless": (DRIVING, "__version__ = '9999.0'\ndef __getattr__(name):\n    raise RuntimeError('no such device')"),
}
WORDS = {
    "missing": r"\w+ is not installed",
    "unloadable": r"\w+ does not load: libruntime\.so\.2",
    "unfit": r"\w+ does not load: TypeError: descriptors cannot",
    "ancient": r"[\w-]+ 0\.1\.0 is older than \d",
    "ancient alone": r"{own} 0\.1\.0 is older than \d",
    "useless": r"no such device|no browser has been set up",
}
PROBE = """
import json
from archsweep import registry
from archsweep.encoding import encode
print(json.dumps({name: encode(registry.load("platforms", name).probe()) for name in registry.names("platforms")}))
"""


@pytest.fixture(scope="module", params=PLANTED)
def probes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    names, text = PLANTED[request.param]
    for name in names:
        (folder / f"{name}.py").write_text(text)
    paths = [str(folder), str(Path(registry.__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env=environment, text=True, capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return {name: {**probe, "planted": request.param} for name, probe in found.items()}


@pytest.mark.parametrize("name", registry.names("platforms"))
def test_a_platform_without_its_runtime_is_absent_and_says_what_to_install(
    probes: dict[str, dict[str, Any]], name: str
) -> None:
    """Those that torch itself drives need none of these."""
    probe = probes[name]
    if not hasattr(registry.load("platforms", name), "package"):
        assert probe["present"] is (name == DEFAULT_PLATFORM) or probe["device"]
        return
    assert probe["present"] is False
    assert probe["reason"]
    assert re.search(WORDS[probe["planted"]].format(own=OWN[name]), probe["reason"]), probe["reason"]
    assert "install" in probe["install"] or "setup" in probe["install"]
