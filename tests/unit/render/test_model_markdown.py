"""A page in Markdown: what it shows, the same bytes each time, and nothing in it that a hostile text could become."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import made_models as made
from archsweep.analysis import model_page
from archsweep.errors import SettingsError
from archsweep.render import file_tree, model_code, model_markdown
from archsweep.render.pytest_files import Made

HOSTILE = (
    "<script>alert(1)</script>",
    "a|b\n# heading\n```\nfence",
    "'\"`; rm -rf ~",
    "\x1b[31mred\x00\u202eltr\u2028line",
    "[link](javascript:alert(1)) ![image](x)",
    "=cmd|' /C calc'!A0",
    "\ud800",
    "```````\n</code>",
    "long " * 200_000,
)
CONFIG = {
    "class": "transformers.models.clip.configuration_clip:CLIPConfig",
    "arguments": {
        "projection_dim": 32,
        "text_config": {"class": "transformers.models.clip.configuration_clip:CLIPTextConfig",
                        "arguments": {"hidden_size": 32, "rope": {"theta": 1e4}, "kinds": ["full", 'a "b"']}},
        "vision_config": {"class": "transformers.models.clip.configuration_clip:CLIPVisionConfig", "arguments": {}},
    },
    "tables": True,
}  # fmt: skip
VALUES = {
    "input_ids": {"dtype": "int64", "shape": [2, 4], "runs": [5, 7, [0, 6]]},
    "mask": {"dtype": "bool", "shape": [2, 2], "fill": True},
    "sizes": [{"dtype": "int32", "shape": [2], "fill": 3}, {"plain": None}],
    "pixels": {"dtype": "float32", "shape": [2, 3], "draw": "uniform", "seed": 5},
}


def page(**more: Any) -> model_page.ModelPage:
    details = made.recipe(config=CONFIG, values=VALUES)
    details["program"] = {"route": "torchscript", "attempts": [], "repairs": {}}
    rows = [made.cell("cpu", details=details), made.cell("cpu", "parity", metrics={"worst_relative": 1.25e-7})]
    rows += [made.cell("cpu", "speed", metrics={"steady_s": 0.0123, "steady_spread_s": 1e-4, "peak_host_mb": 300.0})]
    rows += [made.cell("openvino", status="error", message="boom", error_class="ValueError", blame="ours")]
    turns = [made.turn(), made.turn("2026-12-01T00:00:00Z", before="pass", status="fail")]
    return model_page.page("bert", [made.subject()], [*rows, *more.pop("cells", [])], [*turns, *more.pop("turns", [])])


def test_a_page_shows_everything() -> None:
    text = model_markdown.model_page(page())
    parts = (
        "# bert",
        "encoder-only, encoder, for text",
        "alone and inside other models",
        "| cpu | 1/1 ✓ pass |",
        "config = CLIPConfig(",
        "`int64 (2, 3)`",
        "outputs = model(**inputs)",
        "1.2e-07",
        "12.3 ms ± 0.1 ms",
        "300 MB",
        "✗ fail",
        "ValueError: boom",
        "archsweep run --class bert/BertModel --platform openvino",
    )
    for part in parts:
        assert part in text, part
    assert text == model_markdown.model_page(page())
    assert text.startswith(f"{model_markdown.MARK}\n")
    assert "\n\n\n\n" not in text


def test_the_code_is_python_that_makes_what_the_result_states() -> None:
    text = model_code.building(page().made[0])
    tree = ast.parse(text)
    assert {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} == {
        "transformers.models.clip.configuration_clip", "transformers.models.bert.modeling_bert",
    }  # fmt: skip
    assert "CLIPVisionConfig().to_dict()" in text
    assert max(map(len, text.splitlines())) <= 100
    assert "torch.tensor([5, 7] + [0] * 6).reshape([2, 4])" in text
    assert "torch.full([2], 3, dtype=torch.int32), None]" in text


@pytest.mark.parametrize("name", ["os; import os", "os:x y", "a:b(", "a:import", "", "a.b:__import__('os')", ":"])
def test_a_name_that_is_none_never_stands_in_code(name: str) -> None:
    for config in ({"class": name, "arguments": {}}, {"class": "a:B", "arguments": {name: 1}}, {"class": 1}, {}):
        cell = made.cell("cpu", details=made.recipe(config=config, values={}))
        (item,) = model_page.page("bert", [made.subject()], [cell], known={}).made
        assert model_code.building(item).startswith("# "), config
        assert model_code.configuration(item) == ""


def test_what_is_not_stated_is_said() -> None:
    cell = made.cell("cpu", details=made.recipe(cut=["config"]))
    (item,) = model_page.page("bert", [made.subject()], [cell], known={}).made
    assert "too long" in model_code.building(item)
    bare = made.cell("cpu", details=made.recipe(config=CONFIG))
    (item,) = model_page.page("bert", [made.subject()], [bare], known={}).made
    assert "older" in model_code.building(item)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(text: str) -> None:
    told = made.recipe(
        called={text: text}, dropped=[text], config={"class": "a:B", "arguments": {"x": text}}, values={}
    )
    told["program"] = {"route": text, "attempts": [{"error": text}], "repairs": {text: 1}, "frozen": [text]}
    told["shapes"] = {text: [1]}
    cells = [made.cell(platform, details=told, device=text) for platform in ("openvino", "qualcomm", "webnn")]
    cells.append(
        made.cell("cpu", "batch", status="error", message=text, error_class=text, operators=[text], blame_package=text,
                  blame="upstream", run=text, stage=text, case=f"bert/{text}:cpu:batch")
    )  # fmt: skip
    subject = made.subject(class_module=text, role=text, checkpoint=text, tasks=[text], mappings=[text], category=text)
    cells = [*cells, made.cell(text)]
    turns = [made.turn(before="fail", case=text, run=text, message=text)]
    found = model_page.page("bert", [subject], cells, turns)
    shown = model_markdown.model_page(found)
    shown += model_markdown.index([found])
    outside, fence = [], ""
    for line in shown.split("\n"):
        mark = re.match(r"`{3,}", line)
        if fence:
            fence = "" if line == fence else fence
        elif mark:
            fence = mark[0]
        else:
            outside.append(line)
    assert not fence, "every fence is closed"
    plain = "\n".join(outside).replace(model_markdown.MARK, "")
    assert "<script" not in plain
    assert "](javascript" not in plain
    assert not [line for line in outside if line.startswith("# heading")]
    for sign in "\x1b\x00\u202e\u2028\ud800":
        assert sign not in shown
    assert len(shown) < 150_000
    shown.encode()
    tables = [line for line in outside if line.startswith("|")]
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in tables]
    for before, line, after in zip(widths, tables[1:], widths[1:], strict=False):
        assert before == after or " --- " not in line


@pytest.mark.parametrize(
    "names", [("Bert", "bert"), ("a/b", "a_b"), ("a.b", "a-b"), ("index", "+index"), ("x" * 500, "x" * 501), ("..", "")]
)
def test_different_types_have_different_files_of_plain_names(names: tuple[str, str]) -> None:
    files = [model_markdown.file_name(name) for name in names]
    assert len({name.lower() for name in files}) == 2
    for name in files:
        assert re.fullmatch(r"[a-z0-9_+-]{1,120}\.md", name)
        assert name != model_markdown.INDEX


def test_a_page_of_somebody_else_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "bert.md").write_text("# mine\n\nMade by archsweep, I thought.\n")
    (tmp_path / "notes.txt").write_text("notes")
    files = [Made(family="bert", name="bert.md", text=model_markdown.model_page(page()))]
    with pytest.raises(SettingsError, match=r"bert\.md"):
        file_tree.changes(tmp_path, files, mine=model_markdown.is_ours, flag="--output")
    (tmp_path / "bert.md").write_text(f"{model_markdown.MARK}\nold\n")
    file_tree.write(tmp_path, file_tree.changes(tmp_path, files, mine=model_markdown.is_ours))
    assert (tmp_path / "bert.md").read_text() == files[0].text
    assert (tmp_path / "notes.txt").read_text() == "notes"
