"""The texts of generated files: what classes share, templates and their refusals, and what tells a file as ours."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from made_facts import subject

from archsweep.archs.overrides import merged
from archsweep.archs.specification import Specification
from archsweep.contract import Architecture as Kind
from archsweep.contract import Modality, Subject
from archsweep.errors import SettingsError
from archsweep.render import pytest_files
from archsweep.testing import Architecture

VERSIONS = {"archsweep": "0.1", "transformers": "5.0"}
GOOD = '"""Made by archsweep."""\nfrom x import y\nARCHITECTURES = [\n'
GOOD += "{% for call in architectures %}{{ call }}\n{% endfor %}]\ndef test_it(archsweep_case):\n    pass\n"
values = some.integers(-1, 2) | some.booleans() | some.floats() | some.lists(some.integers(0, 1) | some.booleans())
tables: some.SearchStrategy[dict[str, Any]] = some.recursive(
    some.dictionaries(some.sampled_from("abc"), values, max_size=3),
    lambda inner: some.dictionaries(some.sampled_from("abc"), values | inner, max_size=3),
    max_leaves=8,
)


def stated(item: Subject, config: Mapping[str, Any] | None = None, **more: Any) -> pytest_files.Entry:
    return item, Specification(subject=item.id, config=config or {}, **more)


def evaluated(text: str) -> list[Architecture]:
    """What a generated file states."""
    space: dict[str, Any] = {}
    exec(compile(text, "test_it.py", "exec"), space)
    found: list[Architecture] = space["ARCHITECTURES"]
    return found


def made(*entries: pytest_files.Entry, **more: Any) -> str:
    return pytest_files.made(entries[0][0].family, entries, VERSIONS, **more).text


APPLE = stated(subject("apple", "AppleModel", base=True), {"size": 8, "part": {"size": 4}}, inputs={"x": "int64 (2,)"})
SCORER = stated(subject("apple", "AppleScorer"), {"size": 8, "part": {"size": 5}}, inputs={"x": "int64 (2,)"})


def orderless(value: Any) -> Any:
    """`value` such that it is equal only to what is alike in type and value, in whatever order its tables are."""
    if isinstance(value, Mapping):
        return {name: orderless(value[name]) for name in sorted(value)}
    return repr(value)


@given(some.lists(tables, min_size=1, max_size=4))
def test_what_a_class_has_of_its_own_laid_over_what_all_share_is_the_whole(configs: list[dict[str, Any]]) -> None:
    shared = functools.reduce(pytest_files._shared, configs)
    for config in configs:
        assert orderless(merged(shared, pytest_files._beyond(config, shared))) == orderless(config)


@given(some.lists(some.tuples(tables, some.booleans()), min_size=1, max_size=4))
def test_every_class_that_was_built_is_stated_with_its_own_configuration(drawn: list[tuple[Any, bool]]) -> None:
    entries = [
        stated(subject("apple", f"Apple{number}", base=not number), config, lacks="a spoon" if lacks else "")
        for number, (config, lacks) in enumerate(drawn)
    ]
    found = {name: item for item in evaluated(made(*entries)) for name in item.classes}
    assert [*found] != []
    for number, (config, lacks) in enumerate(drawn):
        name = f"Apple{number}"
        whole = merged(found[name].config, found[name].classes[name].get("config", {}))
        if lacks:
            assert found[name].stated(name) is None
            assert orderless(merged(whole, config)) == orderless(whole), "what the rules try first is in it"
        else:
            assert orderless(found[name].stated(name)) == orderless(whole) == orderless(config)


def test_classes_that_state_half_alike_stand_together_and_a_part_of_the_model_apart() -> None:
    whole = {"text": {"size": 8}, "image": {"size": 4}, "token": 3}
    base = stated(subject("apple", "AppleModel", base=True), whole)
    near = stated(subject("apple", "AppleNear"), {**whole, "token": 5, "more": 1})
    part = stated(subject("apple", "ApplePart"), {"size": 8, "layers": 2})
    groups = pytest_files._alike([part, near, base])
    assert [[item.class_name for item, _ in group] for group in groups] == [["AppleModel", "AppleNear"], ["ApplePart"]]


def test_a_file_states_what_all_share_once_and_each_class_what_it_has_beside() -> None:
    text_head = stated(
        subject("apple", "AppleLM", tasks=("text-generation",)), {"size": 8, "part": {"size": 4}},
        inputs={"x": "int64 (2, 3)"}, generates=True,
    )  # fmt: skip
    (found,) = evaluated(made(APPLE, SCORER, text_head))
    assert found.config == {"size": 8, "part": {}}
    assert found.stated("AppleModel") == {"size": 8, "part": {"size": 4}}
    assert found.stated("AppleScorer") == {"size": 8, "part": {"size": 5}}
    assert found.called("AppleScorer") == {"x": "int64 (2,)"}
    assert "inputs" not in found.classes["AppleScorer"]
    assert found.called("AppleLM") == {"x": "int64 (2, 3)"}
    assert found.asked("AppleLM") == ("forward", "parity", "generate")
    assert found.asked("AppleModel") == ("forward", "parity")
    assert found.classes["AppleLM"]["tasks"] == ["text-generation"]


def test_a_class_that_lacks_something_is_no_measure_for_the_others() -> None:
    lacks = "ImportError: no spoon"
    broken = stated(subject("apple", "AppleModel", base=True), {"size": 8, "part": {"depth": 3}}, lacks=lacks)
    (found,) = evaluated(made(broken, SCORER))
    assert found.called("AppleScorer") == {"x": "int64 (2,)"}
    assert found.stated("AppleScorer") == {"size": 8, "part": {"size": 5}}
    assert (found.stated("AppleModel"), found.called("AppleModel")) == (None, {})
    assert found.classes["AppleModel"] == {"config": {"part": {"depth": 3}}, "lacks": lacks}


@pytest.mark.parametrize(("first", "shared"), [(3, {"size": 5}), ({"size": 5}, 3), (3, 4), ([True], [1])])
def test_what_was_tried_first_of_a_class_that_lacks_something_stands_there_whatever_the_others_have(
    first: Any, shared: Any
) -> None:
    broken = stated(subject("apple", "AppleModel", base=True), {"size": 8, "part": first}, lacks="no spoon")
    (found,) = evaluated(made(broken, stated(SCORER[0], {"size": 8, "part": shared})))
    assert found.config == {"size": 8, "part": shared}
    assert orderless(found.classes["AppleModel"]["config"]) == orderless({"part": first})


def test_model_types_of_one_folder_stand_in_one_file_each_with_its_own_data() -> None:
    other = stated(subject("apple_seed", "AppleSeedModel", family="apple", role="backbone"), {"depth": 1})
    text = made(APPLE, other)
    assert [(item.model_type, item.role) for item in evaluated(text)] == [
        ("apple", "encoder"),
        ("apple_seed", "backbone"),
    ]
    assert text.count("def test_") == 1
    assert "def test_apple(archsweep_case: Case) -> None:" in text


def test_the_same_entries_give_the_same_text_in_whatever_order_their_tables_are() -> None:
    turned = stated(APPLE[0], {"part": {"size": 4}, "size": 8}, inputs={"x": "int64 (2,)"})
    assert made(APPLE) == made(turned)
    assert "archsweep 0.1 from transformers 5.0" in made(APPLE)


@pytest.mark.parametrize("kind", Kind)
def test_every_architecture_has_a_template_of_its_own(kind: Kind) -> None:
    """One that is written for it alone, and begins with what its model reads."""
    assert pytest_files.templates()[str(kind)].fits == (str(kind),)
    item = subject("apple", "AppleModel", base=True, architecture=kind, modality=(Modality.AUDIO,), role="listener")
    text = made(stated(item))
    assert (ast.get_docstring(ast.parse(text)) or "").splitlines()[0].endswith("(listener), reads audio.")
    assert pytest_files.is_ours(text)
    others = {made(stated(subject("apple", "AppleModel", base=True, architecture=other))) for other in Kind}
    assert len(others) == len(Kind)


def test_there_is_no_template_for_anything_else() -> None:
    assert {*pytest_files.templates()} == {*map(str, Kind)}


def test_the_architecture_of_the_base_class_chooses_the_template() -> None:
    base = stated(subject("apple", "AppleModel", base=True, architecture=Kind.CODEC))
    head = stated(subject("apple", "AppleHead", architecture=Kind.ENCODER_ONLY))
    assert made(head, base).startswith('"""apple: codec ')


def test_a_template_for_another_architecture_is_refused() -> None:
    with pytest.raises(SettingsError, match="template codec is for codec, and apple is encoder-only") as refused:
        made(APPLE, chosen=pytest_files.template("codec"))
    assert "--template encoder-only" in str(refused.value)
    assert made(APPLE, chosen=pytest_files.template("encoder-only")) == made(APPLE)


def own(folder: Path, text: str) -> pytest_files.Template:
    """A project's own template."""
    (folder / "own.py.j2").write_text(text, encoding="utf-8")
    return pytest_files.template(str(folder / "own.py.j2"))


def test_a_projects_own_template_is_taken(tmp_path: Path) -> None:
    text = made(APPLE, chosen=own(tmp_path, GOOD))
    assert "def test_it(archsweep_case):" in text
    assert '"AppleModel": {}' in text
    assert text.endswith("pass\n")
    extending = '{% extends "_file.py.j2" %}{% block kind %}ours{% endblock %}'
    assert made(APPLE, chosen=own(tmp_path, extending)).startswith('"""apple: ours (encoder), reads text.')


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (GOOD.replace("archsweep_case", "case"), "no archsweep_case"),
        (GOOD.replace("ARCHITECTURES", "OTHERS"), "no ARCHITECTURES"),
        ("# Made by archsweep: ARCHITECTURES and archsweep_case in a comment alone\n", "no ARCHITECTURES and no"),
        ('"""Made by archsweep, about ARCHITECTURES and archsweep_case."""\n', "no ARCHITECTURES and no"),
        (GOOD.replace("pass", "pass pass"), "gives no Python for apple: line"),
        (GOOD.replace("Made by", "Wrought by"), "lacks the line with 'Made by archsweep'"),
        (GOOD.replace("Made by", "Wrought by") + "# Made by archsweep\n", "lacks the line with 'Made by archsweep'"),
        (GOOD + "{{ no_such_value }}\n", "the template own: 'no_such_value' is undefined"),
        (GOOD + "{% if %}\n", "the template own, line 8"),
        ('{% extends "nothing.py.j2" %}', "nothing.py.j2"),
        ("{# fits: codec, generator #}" + GOOD, "for codec, generator, and apple is encoder-only"),
    ],
)
def test_a_template_whose_text_tests_nothing_or_is_not_known_again_is_refused(
    text: str, part: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refused:
        made(APPLE, chosen=own(tmp_path, text))
    assert part in str(refused.value)


def test_a_template_that_is_not_there_or_no_text_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        pytest_files.template("enocder-only")
    assert "no template 'enocder-only'" in str(refused.value)
    assert "encoder-only" in str(refused.value)
    (tmp_path / "bytes.py.j2").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"bytes\.py\.j2 cannot be read"):
        pytest_files.template(str(tmp_path / "bytes.py.j2"))
    with pytest.raises(SettingsError, match="no template"):
        pytest_files.template(str(tmp_path))


@pytest.mark.parametrize(
    ("family", "name"),
    [("bert", "test_bert.py"), ("mine.own-models", "test_mine_own_models.py"), ("x_y", "test_x_y.py")],
)
def test_a_file_is_named_after_its_folder(family: str, name: str) -> None:
    assert pytest_files.file_name(family) == name


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ('"""bert.\n\nMade by archsweep 1.0.\n"""\n\nfrom archsweep.testing import Case\n', True),
        ('"""By hand."""\n\nfrom x import y  # Made by archsweep\n', False),
        ("import pytest\n\n\ndef test_it() -> None:\n    assert 'Made by archsweep'\n", False),
        ("x = 1\n", False),
        ("", False),
    ],
)
def test_only_what_says_so_before_its_first_import_is_ours(text: str, ours: bool) -> None:
    assert pytest_files.is_ours(text) is ours
