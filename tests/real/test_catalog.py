"""The catalog of the installed transformers, read for real: complete, in its place, and the same on one core or two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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


def listing(cache: Path, *arguments: str) -> str:
    return f"""
import json
from pathlib import Path
from archsweep.archs.catalog import load
from archsweep.encoding import encode
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


def test_modules_packages_and_trusted_folders_join_and_a_second_listing_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    (tmp_path / "zebra_models.py").write_text(REGISTERING + REGISTERED)
    _install(tmp_path, "quagga", (REGISTERING + REGISTERED).replace("zebra", "quagga").replace("Zebra", "Quagga"))
    folder = _folder(tmp_path / "stable", REGISTERING.replace("zebra", "horse").replace("Zebra", "Horse"))
    imports = f"imports=['zebra_models', {str(folder)!r}]"
    refused = (
        listing(tmp_path / "cache", imports).replace("found =", "try:\n    found =").replace("print(", "    print(")
    )
    refused = "from archsweep.errors import SettingsError\n" + refused
    refused += "except SettingsError as error:\n    print('refused:', error.next_step)\n"
    assert "--trust-remote-code" in python(refused, tmp_path).splitlines()[-1]

    code = listing(tmp_path / "cache", imports, "trust_remote_code=True")
    rows = json.loads(python(code, tmp_path).splitlines()[-1])
    found = {row["class_name"]: row for row in rows}
    for animal, family in (("Zebra", "zebra_models"), ("Quagga", "quagga_models"), ("Horse", "stable")):
        assert found[f"{animal}Model"]["is_base"]
        assert found[f"{animal}Model"]["family"] == family
        assert found[f"{animal}Model"]["category"] == "text-decoders"
        assert found[f"{animal}ForCausalLM"]["mappings"] == ["CAUSAL_LM"]
        assert found[f"{animal}Scorer"]["mappings"] == []
    code += "import sys\nassert not {'torch', 'transformers', 'zebra_models', 'quagga_models'} & set(sys.modules)\n"
    assert json.loads(python(code, tmp_path).splitlines()[-1]) == rows


def _install(place: Path, name: str, code: str) -> None:
    (place / f"{name}_models.py").write_text(code)
    info = place / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[archsweep.architectures]\n{name} = {name}_models\n")


def _folder(folder: Path, code: str) -> Path:
    folder.mkdir()
    (folder / "modeling_horse.py").write_text(code)
    names = {"AutoConfig": "HorseConfig", "AutoModel": "HorseModel", "AutoModelForCausalLM": "HorseForCausalLM"}
    auto_map = {auto: f"modeling_horse.{name}" for auto, name in names.items()}
    (folder / "config.json").write_text(json.dumps({"model_type": "horse", "auto_map": auto_map}))
    return folder
