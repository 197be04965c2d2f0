"""The code on the pages is true: as it stands, on each platform that is here, it gives what the eager model gives."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import browsing
import pytest

from archsweep import registry
from archsweep.analysis import model_page
from archsweep.analysis.model_page import ModelPage
from archsweep.archs import importing
from archsweep.contract import TINY
from archsweep.platforms import _web_parts
from archsweep.platforms._tab import Tab
from archsweep.render import model_code, model_markdown
from archsweep.store import exchange, models
from requiring import absent

ROOT = Path(__file__).parents[2]
# An encoder, a decoder, both, images, sound, images and text, experts.
MODELS = ("bert", "gpt2", "t5", "vit", "whisper", "clip", "mixtral")
FAR = {"cpu": 0.0, "openvino": 1e-4, "qualcomm": 0.05}  # HTP computes in float16
WEB = {"webgpu": 1e-4, "webnn": 1e-4}
EAGER = """
import copy
with torch.no_grad():
    eager = copy.deepcopy(model)(**copy.deepcopy(inputs))
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelPage]:
    database = tmp_path_factory.mktemp("usage") / "a.duckdb"
    platforms = ",".join((*FAR, *WEB))
    command = [sys.executable, "-m", "archsweep", "run", "--base", "--model", ",".join(MODELS), "--platform", platforms]
    done = subprocess.run([*command, "--quiet", "--db", str(database)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    known = model_page.usages()
    return {
        name: model_page.page(name, rows.subjects, rows.cells, rows.history, known=known)
        for name, rows in models.model_rows(database).items()
    }


def worked(pages: Mapping[str, ModelPage], model: str, platform: str) -> tuple[str, model_page.Worked]:
    """The code that makes model and inputs, and that of the platform; skips where the platform is not here."""
    page = pages[model]
    own = [item for item in page.endings if item.platform == platform]
    if any(item.status == "unavailable" for item in own):
        absent(platform, own[0].message)
    found = [item for item in page.worked if item.platform == platform]
    assert found, [(item.status, item.message) for item in own]
    return model_code.building(page.made[0]), found[0]


@contextlib.contextmanager
def registered_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each script is written for a process of its own, and here they share one."""
    runtime: Any = pytest.importorskip("onnxruntime")
    register = runtime.register_execution_provider_library

    def once(name: str, library: str) -> None:
        if not any(item.ep_name == name for item in runtime.get_ep_devices()):
            register(name, library)

    monkeypatch.setattr(runtime, "register_execution_provider_library", once)
    yield


def executed(code: str) -> dict[str, Any]:
    importing.warm()  # what torchvision lacks on this machine
    script = types.ModuleType("script")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's tracer is deprecated, and warns of all that it bakes in
        exec(compile(code, "script", "exec"), vars(script))
    return vars(script)


def far(found: Any, eager: Any) -> float:
    """The largest relative L2 distance of outputs from those of the eager model."""
    import torch

    from archsweep.archs.outputs import flatten

    wanted = flatten(eager)
    values = found if isinstance(found, list) else list(found.values()) if type(found) is dict else None
    if values is None:
        values = list(flatten(found).values())
    elif type(found) is dict:
        wanted = {name: wanted[name] for name in found}
    assert len(values) == len(wanted) > 0
    distances = []
    for value, right in zip(map(torch.as_tensor, values), wanted.values(), strict=True):
        assert value.shape == right.shape
        distances.append(float((value.double() - right.double()).norm() / right.double().norm().clamp_min(1e-9)))
    return max(distances)


@pytest.mark.parametrize("platform", FAR)
@pytest.mark.parametrize("model", MODELS)
def test_the_code_of_a_page_runs_and_gives_what_the_eager_model_gives(
    pages: dict[str, ModelPage], model: str, platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    building, item = worked(pages, model, platform)
    monkeypatch.chdir(tmp_path)
    (block,) = item.blocks
    with registered_once(monkeypatch):
        names = executed(building + EAGER + block[1])
    assert far(names["outputs"], names["eager"]) <= FAR[platform]


@pytest.mark.parametrize("platform", WEB)
@pytest.mark.parametrize("model", MODELS)
def test_the_page_of_the_browser_runs_and_gives_what_the_eager_model_gives(
    pages: dict[str, ModelPage], model: str, platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsing.require(platform)
    building, item = worked(pages, model, platform)
    monkeypatch.chdir(tmp_path)
    (_, python), (language, page) = item.blocks
    assert language == "javascript"
    names = executed(building + EAGER + python)
    told = in_browser(platform, page, tmp_path)
    import torch

    found = [torch.tensor(value["data"]).reshape(value["dims"]) for value in told]
    wanted = names.get("wanted")
    assert far(dict(zip(wanted, found, strict=True)) if wanted else found, names["eager"]) <= WEB[platform]


def in_browser(platform: str, page: str, folder: Path) -> list[dict[str, Any]]:
    """What the script leaves in `outputs`, run word for word but for where the runtime lies and how it is imported."""
    line = next(line for line in page.splitlines() if line.startswith("import "))
    runtime = line.split('"')[1]
    assert Path(runtime).name in _web_parts.runtime_files(_web_parts.find())
    script = page.replace(line, f'const ort = await import("./ort/{Path(runtime).name}");')
    script += """
return await Promise.all(outputs.map(async (item) =>
  ({dims: item.dims, data: Array.from(await item.getData(), Number)})));"""
    module = registry.load("platforms", platform)
    tab = Tab(module._tab()._flags)
    try:
        tab.loopback.offered |= {file.name: file for file in folder.iterdir()}
        browser, opened = tab._opened()
        found: list[dict[str, Any]] = browser.evaluate(opened, f"(async () => {{ {script} }})()", 300)
        return found
    finally:
        tab.close()


def test_pages_of_real_results_hold_what_the_results_hold(tmp_path: Path) -> None:
    """The committed results of two platforms: every type has a page, and each bad ending stands in it."""
    database = tmp_path / "a.duckdb"
    exchange.import_files(database, [ROOT / "results" / f"{name}.jsonl.gz" for name in ("cpu", "qualcomm")])
    found = models.model_rows(database)
    assert len(found) > 600
    known, texts = model_page.usages(), dict[str, str]()
    for name, rows in found.items():
        page = model_page.page(name, rows.subjects, rows.cells, rows.history, known=known)
        bad = {row["case"] for row in rows.cells if row["status"] not in ("pass", "inapplicable")}
        assert {case for limit in page.limits if limit.status for case in limit.cases} == bad
        assert len(page.endings) == len(rows.cells)
        assert all(json.loads(row["options"]) == {} and row["weights"] == TINY for row in rows.cells)
        texts[name] = model_markdown.model_page(page)
        assert texts[name].count("\n## Results of ") == len({item.class_name for item in page.endings})
    assert len({model_markdown.file_name(name) for name in texts}) == len(texts)
    assert "repairs.repaired(" in texts["bert"]
    assert "older than that" in texts["bert"]
