"""The catalog of the installed transformers, read for real: complete, in its place, and the same on one core or two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archsweep.archs.catalog import Catalog, load

REGISTERING = """
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel


class ZebraConfig(PreTrainedConfig):
    model_type = "zebra"


class ZebraPreTrainedModel(PreTrainedModel):
    config_class = ZebraConfig


class ZebraModel(ZebraPreTrainedModel):
    def forward(self, input_ids, attention_mask=None, past_key_values=None):
        return input_ids


class ZebraForCausalLM(ZebraModel):
    pass


class ZebraScorer(ZebraModel):
    pass
"""
REGISTERED = """
AutoConfig.register("zebra", ZebraConfig)
AutoModel.register(ZebraConfig, ZebraModel)
AutoModelForCausalLM.register(ZebraConfig, ZebraForCausalLM)
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(cache=tmp_path_factory.mktemp("cache"))


def python(code: str, *places: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, places), *sys.path]), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def zebra(output: str) -> Iterator[dict[str, Any]]:
    return (row for row in json.loads(output.splitlines()[-1]) if row["model_type"] == "zebra")


def listing(cache: Path, *arguments: str) -> str:
    return f"""
import json
from pathlib import Path
from archsweep.archs.catalog import load
from archsweep.contract import encode
found = load(cache=Path({str(cache)!r}), {", ".join(arguments)})
print(json.dumps([encode(item) for item in found.subjects]))
"""


def test_every_base_type_and_mapped_class_of_the_library_is_a_subject(catalog: Catalog) -> None:
    code = """
import json, archsweep.archs.importing as importing
importing.warm()
from transformers.models.auto import modeling_auto as auto
pairs = set()
for name, mapping in vars(auto).items():
    if name.startswith("MODEL_") and name.endswith("_NAMES"):
        for kind, value in mapping.items():
            for item in value if isinstance(value, (tuple, list)) else (value,):
                pairs.add((kind, item))
print(json.dumps([sorted(p for p in pairs if p[1]), sorted(auto.MODEL_MAPPING_NAMES)]))
"""
    pairs, bases = json.loads(python(code).splitlines()[-1])
    assert {(item.model_type, item.class_name) for item in catalog.subjects if item.mappings} == set(map(tuple, pairs))
    assert sorted(item.model_type for item in catalog.subjects if item.is_base) == bases
    assert len({item.id for item in catalog.subjects}) == len(catalog.subjects)


def test_the_pinned_release_has_605_base_types(catalog: Catalog) -> None:
    if catalog.transformers_version != "5.23.0":
        pytest.skip("another release of transformers")
    assert sum(item.is_base for item in catalog.subjects) == 605
    assert len({item.class_name for item in catalog.subjects if item.mappings}) == 1547
    odd = {item.id for item in catalog.subjects if "AUDIO_TOKENIZATION" in item.mappings}
    assert "dac/DacModel" in odd


def test_what_is_mapped_but_cannot_be_imported_stays_with_its_reason(catalog: Catalog) -> None:
    reasons = {(fault.model_type, fault.class_name): fault.reason for fault in catalog.faults}
    if catalog.transformers_version == "5.23.0":
        assert "VoxtralRealtimeTextModel" in reasons["voxtral_realtime_text", "VoxtralRealtimeTextModel"]
    subjects = {(item.model_type, item.class_name) for item in catalog.subjects}
    assert {pair for pair in reasons if pair[1]} <= subjects


EXPECTED = {
    "bert": "text-encoders encoder-only",
    "gpt2": "text-decoders decoder-only",
    "mamba": "text-decoders decoder-only",
    "t5": "text-encoder-decoders encoder-decoder",
    "vit": "vision encoder-only",
    "detr": "vision encoder-decoder",
    "sam": "vision encoder-only",
    "hubert": "audio encoder-only",
    "whisper": "audio encoder-decoder",
    "encodec": "audio codec",
    "clap": "audio dual-encoder",
    "vits": "audio generator",
    "clip": "multimodal dual-encoder",
    "llava": "multimodal decoder-only",
    "flava": "multimodal encoder-only",
    "layoutlm": "multimodal encoder-only",
    "owlvit": "multimodal encoder-only",
    "patchtst": "other encoder-only",
    "esm": "other encoder-only",
    "decision_transformer": "other encoder-only",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_well_known_types_are_in_their_place(catalog: Catalog, name: str) -> None:
    base = next(item for item in catalog.subjects if item.model_type == name and item.is_base)
    assert f"{base.category} {base.architecture}" == EXPECTED[name]


def test_the_roadmaps_phases_and_the_corrected_checkpoints_are_applied(catalog: Catalog) -> None:
    bases = {item.model_type: item for item in catalog.subjects if item.is_base}
    cumulative = [sum(item.phase <= phase for item in bases.values()) for phase in range(1, 7)]
    assert cumulative == [4, 25, 53, 100, 200, len(bases)]
    assert bases["segformer"].checkpoint == "nvidia/segformer-b0-finetuned-ade-512-512"
    assert bases["bert"].checkpoint == "google-bert/bert-base-uncased"


def test_one_core_reads_what_two_read_and_the_process_stays_fork_safe(catalog: Catalog, tmp_path: Path) -> None:
    code = listing(tmp_path, "scan=scan_here").replace(
        "found =",
        "import threading\nfrom archsweep.archs.catalog import scan\nscan_here = lambda: scan(workers=1)\nfound =",
    )
    rows = json.loads(python(code + "assert threading.active_count() == 1\n").splitlines()[-1])
    assert [f"{row['model_type']}/{row['class_name']}" for row in rows] == [item.id for item in catalog.subjects]
    assert [row["category"] for row in rows] == [item.category for item in catalog.subjects]


def test_a_module_that_registers_joins_and_its_second_listing_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "zebra_models.py").write_text(REGISTERING + REGISTERED)
    code = listing(tmp_path / "cache", "imports=['zebra_models']")
    found = {row["class_name"]: row for row in zebra(python(code, tmp_path))}
    assert found["ZebraModel"]["is_base"]
    assert found["ZebraForCausalLM"]["mappings"] == ["CAUSAL_LM"]
    assert found["ZebraScorer"]["mappings"] == []
    assert {row["category"] for row in found.values()} == {"text-decoders"}
    again = python(
        code + "import sys\nassert not {'torch', 'transformers', 'zebra_models'} & set(sys.modules)\n", tmp_path
    )
    assert len(list(zebra(again))) == 3


def test_an_installed_package_joins_by_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "zebra_models.py").write_text(REGISTERING + REGISTERED)
    info = tmp_path / "zebra-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zebra\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[archsweep.architectures]\nzebra = zebra_models\n")
    assert len(list(zebra(python(listing(tmp_path / "cache"), tmp_path)))) == 3


def test_code_in_a_folder_runs_only_if_it_is_trusted(tmp_path: Path) -> None:
    folder = tmp_path / "stable"
    folder.mkdir()
    (folder / "modeling_zebra.py").write_text(REGISTERING)
    names = {"AutoConfig": "ZebraConfig", "AutoModel": "ZebraModel", "AutoModelForCausalLM": "ZebraForCausalLM"}
    auto_map = {auto: f"modeling_zebra.{name}" for auto, name in names.items()}
    (folder / "config.json").write_text(json.dumps({"model_type": "zebra", "auto_map": auto_map}))
    trusting = listing(tmp_path / "cache", f"imports=[{str(folder)!r}]", "trust_remote_code=True")
    os.environ["HF_MODULES_CACHE"] = str(tmp_path / "modules")
    try:
        refused = python(
            trusting.replace("trust_remote_code=True", "trust_remote_code=False")
            .replace("found =", "from archsweep.errors import SettingsError\ntry:\n    found =")
            .replace("print(", "    print(")
            + "except SettingsError as error:\n    print('refused', error.next_step)\n"
        )
        found = {row["class_name"]: row for row in zebra(python(trusting))}
    finally:
        del os.environ["HF_MODULES_CACHE"]
    assert "refused" in refused
    assert "--trust-remote-code" in refused
    assert found["ZebraModel"]["is_base"]
    assert found["ZebraModel"]["family"] == "stable"
