"""A sweep of default checkpoints, as the hub's cache has them, and a checkpoint that brings its own code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archsweep.archs import importing

importing.warm()

import torch  # noqa: E402
from transformers import BertConfig, BertModel, BertTokenizerFast  # noqa: E402

REVISION = "0123456789abcdef0123456789abcdef01234567"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "the", "rain", "dog", "is", "man", "in", "north", "fox"]
CODE = """
import torch
from transformers import PretrainedConfig, PreTrainedModel


class OwnConfig(PretrainedConfig):
    model_type = "own_of_this_folder"

    def __init__(self, hidden_size=16, vocab_size=32, **more):
        super().__init__(**more)
        self.hidden_size, self.vocab_size = hidden_size, vocab_size


class OwnModel(PreTrainedModel):
    config_class = OwnConfig

    def __init__(self, config):
        super().__init__(config)
        self.table = torch.nn.Embedding(config.vocab_size, config.hidden_size)
        self.post_init()

    def _init_weights(self, module):
        pass

    def forward(self, input_ids):
        return {"last_hidden_state": self.table(input_ids).tanh()}
"""


def save(folder: Path) -> None:
    """A small BERT encoder, without a head, and a tokenizer."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)


def called(place: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of the command line, with the hub's cache and the database in `place`."""
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(place / "hub"),
        "ARCHSWEEP_DB": str(place / "results.duckdb"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "archsweep", *words], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def cells(place: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(called(place, "query", "select * from results", "--json")[1])
    return rows


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    """A place whose hub cache holds the default checkpoint of one type, and no other."""
    stored = tmp_path / "hub/hub/models--google-bert--bert-base-uncased"
    save(stored / "snapshots" / REVISION)
    (stored / "refs").mkdir()
    (stored / "refs/main").write_text(REVISION)
    return tmp_path


def test_default_checkpoints_run_as_far_as_they_are_here(cached: Path) -> None:
    chosen = "bert/BertModel,bert/BertForMaskedLM,gpt2/GPT2Model,timm_backbone/TimmBackbone"
    code, said = called(cached, "run", "--weights", "pretrained", "--class", chosen, "--quiet")
    assert code == 0, said
    found = {(row["class_name"], row["status"]): row for row in cells(cached)}
    assert {*found} == {
        ("BertModel", "pass"), ("BertForMaskedLM", "inapplicable"), ("GPT2Model", "unavailable"),
        ("TimmBackbone", "unavailable"),
    }  # fmt: skip
    passed = found["BertModel", "pass"]
    assert passed["weights"] == "google-bert/bert-base-uncased@main"
    assert json.loads(passed["details"])["recipe"]["snapshot"] == REVISION
    assert "cls.predictions" in found["BertForMaskedLM", "inapplicable"]["message"]
    assert "its files are not cached" in found["GPT2Model", "unavailable"]["message"]
    assert "no checkpoint of model type" in found["TimmBackbone", "unavailable"]["message"]


def test_weights_of_another_class_are_verified_of_none(tmp_path: Path) -> None:
    """A head that the file lacks would be drawn at random."""
    folder = tmp_path / "headless"
    save(folder)
    config = folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "architectures": ["BertForMaskedLM"]}))
    code, said = called(tmp_path, "test", str(folder), "--check", "forward,parity", "--quiet")
    assert code == 1
    assert "Nothing passed" in said


def test_code_of_a_checkpoint_runs_where_it_is_trusted(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "modeling_own.py").write_text(CODE)
    named = {"AutoConfig": "modeling_own.OwnConfig", "AutoModel": "modeling_own.OwnModel"}
    stated = {"model_type": "own_of_this_folder", "architectures": ["OwnModel"], "auto_map": named}
    (folder / "config.json").write_text(json.dumps({**stated, "hidden_size": 16, "vocab_size": 32}))
    save_file({"table.weight": torch.randn(32, 16)}, str(folder / "model.safetensors"), {"format": "pt"})
    code, said = called(tmp_path, "test", str(folder), "--quiet")
    assert code == 2
    assert "add --trust-remote-code" in said
    assert not (tmp_path / "results.duckdb").exists()
    code, said = called(
        tmp_path, "test", str(folder), "--trust-remote-code", "--check", "forward,parity,save_load", "--quiet"
    )
    assert code == 0, said
    assert {row["status"] for row in cells(tmp_path)} == {"pass"}
