"""`archsweep list` over a stored catalog; no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archsweep.archs import catalog_cache
from archsweep.archs.catalog import Catalog, load
from archsweep.commands import cli
from archsweep.contract import Architecture, Modality, Priority, Standing, Subject
from archsweep.errors import UnknownName

Listing = Callable[..., Result]


def subject(class_name: str, *, base: bool = False, mappings: Sequence[str] = ("MODEL",)) -> Subject:
    return Subject(
        model_type="pear",
        class_name=class_name,
        class_module="orchard",
        config_class="orchard:PearConfig",
        is_base=base,
        mappings=tuple(mappings),
        family="orchard",
        architecture=Architecture.DUAL_ENCODER,
        role="contrastive",
        modality=(Modality.TEXT, Modality.IMAGE),
        category="multimodal",
        tasks=("zero-shot-image-classification",) if base else (),
        priority=Priority.MEDIUM,
        phase=2,
        standing=Standing.BOTH,
        checkpoint="orchard/pear",
    )


PEAR = (subject("PearModel", base=True), subject("PearHead", mappings=["CTC"]), subject("PearTower", mappings=[]))


@pytest.fixture
def listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listing:
    monkeypatch.setenv("ARCHSWEEP_CACHE", str(tmp_path))
    stored = Catalog(transformers_version="5", subjects=PEAR)
    catalog_cache.write(tmp_path / "catalog", catalog_cache.key(), stored)
    return lambda *arguments: CliRunner().invoke(cli, ["list", *arguments])


def test_models_as_json_have_every_promised_field(listing: Listing) -> None:
    (row,) = json.loads(listing("models", "--json").stdout)
    assert row == {
        "model_type": "pear",
        "base_class": "PearModel",
        "classes": ["PearModel", "PearHead"],
        "exported_classes": ["PearTower"],
        "category": "multimodal",
        "architecture": "dual-encoder",
        "role": "contrastive",
        "modality": ["text", "image"],
        "tasks": ["zero-shot-image-classification"],
        "priority": "medium",
        "phase": 2,
        "family": "orchard",
        "standing": "both",
        "sub_model": True,
        "checkpoint": "orchard/pear",
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--category", "multimodal"), 2),
        (("--exported",), 3),
        (("--base",), 1),
        (("--class", "PearHead,PearTower"), 2),
        (("--class", "PearHead", "--class", "PearTower"), 2),
        (("--modality", "image", "--task", "zero-shot-image-classification"), 1),
        (("--phase", "1"), 0),
        (("--limit", "1"), 1),
    ],
)
def test_classes_are_filtered_by_comma_or_repetition(
    listing: Listing, arguments: tuple[str, ...], expected: int
) -> None:
    assert len(json.loads(listing("classes", *arguments, "--json").stdout)) == expected


def test_tables_end_with_the_count(listing: Listing) -> None:
    for what, count in (
        ("models", "1 model type"),
        ("classes", "2 classes"),
        ("families", "1 family"),
        ("categories", "1 category"),
    ):
        done = listing(what)
        assert done.exit_code == 0, done.output
        assert count in done.stdout.splitlines()[-1]


def test_an_unknown_value_is_refused_with_the_nearest(listing: Listing) -> None:
    done = listing("models", "--category", "multimodel")
    assert isinstance(done.exception, UnknownName)
    assert done.exception.nearest == ("multimodal",)


def test_platforms_and_checks_come_from_the_registry(listing: Listing) -> None:
    platforms = json.loads(listing("platforms", "--json").stdout)
    assert {"platform": "cpu", "priority": "high"}.items() <= next(
        p for p in platforms if p["platform"] == "cpu"
    ).items()
    checks = json.loads(listing("checks", "--json").stdout)
    assert {row["check"] for row in checks} >= {"forward", "parity"}
    assert all(row["question"] for row in checks)


@pytest.mark.parametrize("flag", ["--priority", "--phase", "--architecture", "--role", "--modality", "--task"])
def test_an_unknown_value_of_a_small_set_is_answered_with_the_set(listing: Listing, flag: str) -> None:
    done = listing("models", flag, "xyzzy")
    assert isinstance(done.exception, UnknownName)
    known = {
        "--priority": "critical, high, low, medium", "--phase": "1, 2, 3, 4, 5, 6", "--architecture": "dual-encoder",
        "--role": "contrastive", "--modality": "image, text", "--task": "zero-shot-image-classification",
    }  # fmt: skip
    assert done.exception.next_step == f"There are: {known[flag]}."
    assert listing("models", "--family", "xyzzy").exception.next_step == "See all with: archsweep list families"  # type: ignore[union-attr]


def test_the_table_of_platforms_says_what_a_case_can_ask_for(listing: Listing) -> None:
    table = listing("platforms").stdout
    head = next(line for line in table.splitlines() if "platform" in line)
    assert head.split() == ["platform", "title", "priority", "dtypes", "options", "quantizes", "trains", "generates"]
    (cpu,) = (line for line in table.splitlines() if line.split()[:1] == ["cpu"])
    assert "float32, bfloat16, float16" in cpu
    assert cpu.split()[-2:] == ["yes", "yes"]
    assert "engine=browser|native" in table
    assert not {"fork_safe", "lots_per_worker"} & set(table.replace("=", " ").split())
    rows = json.loads(listing("platforms", "--json").stdout)
    assert all({"fork_safe", "lots_per_worker"} <= set(row["capabilities"]) for row in rows)


def test_a_catalog_that_cannot_be_kept_names_what_every_verb_has(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "catalog").write_text("a file where the folder should be")
    load(cache=tmp_path, scan=lambda: Catalog(transformers_version="5", subjects=PEAR), tell=said.append)
    assert "ARCHSWEEP_CACHE" in said[0]
    assert "--cache" not in said[0]


def test_what_cannot_be_listed_is_a_usage_error_that_names_the_nearest(listing: Listing) -> None:
    done = listing("model")
    assert done.exit_code == 2
    assert "models" in done.output
