"""Architectures are data: no model type and no model class stands in the source, and every data file names known ones.

Docstrings may name examples. Types of up to four letters are looked for as whole strings only: they are also words.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import archsweep
from archsweep.archs import importing

ROOT = Path(archsweep.__file__).parent
DATA = {"archs/overrides.toml", "archs/phases.toml", "archs/checkpoints.toml"}
WORDS = {
    "align": "the operator RoI align",
    "encoder_decoder": "the topology, and is_encoder_decoder",
    "mamba": "the kind of layer: configurations of many hybrids call its fields mamba_…",
    "vit": "the part of a configuration that sees: vit_config",
}
TOOLS = {"AutoConfig", "AutoModel", "PreTrainedModel", "PreTrainedConfig", "PretrainedConfig"}
CLASS = re.compile(r"^[A-Z]\w*(?:Model|Config|Backbone|For[A-Z]\w+|WithLMHead|DoubleHeads)$")


@pytest.fixture(scope="module")
def types() -> frozenset[str]:
    importing.warm()
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    return frozenset(CONFIG_MAPPING_NAMES)


@pytest.fixture(scope="module")
def classes() -> frozenset[str]:
    importing.warm()
    import transformers

    return frozenset(name for name in dir(transformers) if CLASS.match(name)) - TOOLS


def said(text: str) -> Iterator[str]:
    """Every string and identifier of a source, docstrings left out."""
    tree = ast.parse(text)
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, holders) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value
        for name in ("id", "attr", "name", "arg"):
            value = getattr(node, name, None)
            if isinstance(value, str):
                yield value


def named(words: list[str], types: frozenset[str], classes: frozenset[str]) -> set[str]:
    """The model types and classes that the words hold."""
    plain = {name.lower().replace("-", "_"): name for name in types if len(name) > 4}
    alternatives = "|".join(sorted(map(re.escape, plain), key=len, reverse=True))
    pattern = re.compile(rf"(?<![a-z0-9])({alternatives})(?![a-z0-9])")
    found: set[str] = set()
    for word in words:
        found.update(pattern.findall(word.lower().replace("-", "_")))
        found.update(classes.intersection(re.findall(r"\w+", word)))
        found.update({word}.intersection(types))
    return found - WORDS.keys() - {name for name in types if name.replace("-", "_") in WORDS}


def test_the_scan_finds_what_it_should(types: frozenset[str], classes: frozenset[str]) -> None:
    source = '"""A docstring may say roberta."""\nif kind == "roberta": BertModel(xlm_roberta_x=1, why="a gpt2")\n'
    found = named([*said(source), "t5", "text_align", "deberta-v2 thing"], types, classes)
    assert found == {"roberta", "BertModel", "xlm_roberta", "t5", "deberta_v2"}


def test_no_source_names_a_model_type_or_class(types: frozenset[str], classes: frozenset[str]) -> None:
    files = {file.relative_to(ROOT).as_posix(): file for file in sorted(ROOT.rglob("*.py"))}
    hits = {name: named(list(said(file.read_text(encoding="utf-8"))), types, classes) for name, file in files.items()}
    assert {name: found for name, found in hits.items() if found} == {}


def test_no_other_data_file_names_one(types: frozenset[str], classes: frozenset[str]) -> None:
    files = [file for file in ROOT.rglob("*") if file.suffix in (".toml", ".json", ".sql", ".html", ".txt", ".csv")]
    names = {file.relative_to(ROOT).as_posix(): file for file in files}
    assert names.keys() >= DATA
    hits = {
        name: named(file.read_text(encoding="utf-8").split(), types, classes)
        for name, file in names.items()
        if name not in DATA
    }
    assert {name: found for name, found in hits.items() if found} == {}


def test_overrides_and_checkpoints_name_types_that_exist(types: frozenset[str]) -> None:
    checkpoints = tomllib.loads((ROOT / "archs/checkpoints.toml").read_text(encoding="utf-8"))["checkpoint"]
    overrides = tomllib.loads((ROOT / "archs/overrides.toml").read_text(encoding="utf-8"))
    assert ({entry["model"] for entry in checkpoints} | set(overrides)) - types == set()
