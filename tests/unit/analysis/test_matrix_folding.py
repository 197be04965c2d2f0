"""Folding: green is earned, what was not tried stands apart, and fingerprints never fold silently."""

from __future__ import annotations

from typing import Any

from archsweep.analysis.matrix import FLAT_COLUMNS, INCOMPLETE, SEVERITY, Cell, Depth, build, flat
from archsweep.contract import Status


def row(name: str = "bert/BertModel", check: str = "parity", status: str = "pass", **other: Any) -> dict[str, Any]:
    model_type, _, class_name = name.partition("/")
    known = {
        "case": f"{name}:{other.get('platform', 'cpu')}:{check}",
        "model_type": model_type,
        "class_name": class_name,
        "category": "text-encoders",
        "priority": "critical",
        "platform": "cpu",
        "check": check,
        "dtype": "float32",
        "default_dtype": "float32",
        "weights": "tiny",
        "options": "{}",
        "status": status,
        "evidence": "hardware",
        "fingerprint": "f1",
        "finished_at": "2026-11-22T10:00:00Z",
    }
    return known | other


def both(
    name: str = "bert/BertModel", forward: str = "pass", parity: str = "pass", **other: Any
) -> list[dict[str, Any]]:
    return [row(name, "forward", forward, **other), row(name, "parity", parity, **other)]


def cell(rows: list[dict[str, Any]], **options: Any) -> Cell:
    matrix = build(rows, Depth.CATEGORY, **options)
    (found,) = matrix.cells.values()
    return found


def test_verified_needs_every_verifying_check() -> None:
    green = cell(both())
    assert (green.status, green.verified, green.applicable, green.green) == (Status.PASS, 1, 1, True)
    half = cell([row(check="forward")])
    assert (half.status, half.verified, half.applicable, half.green) == (INCOMPLETE, 0, 1, False)
    assert cell([row(check="parity")]).status == INCOMPLETE


def test_other_checks_dtypes_and_weights_do_not_make_a_verdict() -> None:
    rows = [*both(), row(check="backward", status="fail"), row(dtype="float16", status="fail", case="a")]
    rows += [row(weights="org/name", status="fail", case="b")]
    assert cell(rows).green


def test_the_most_severe_status_is_named() -> None:
    for place, status in enumerate(SEVERITY[:-2]):
        rows = both() + [line for n, less in enumerate(SEVERITY[place:-2]) for line in both(f"m{n}/M", parity=less)]
        found = cell(rows)
        assert (found.status, found.green) == (status, False)
        assert (found.verified, found.applicable) == (1, 1 + len(SEVERITY[place:-2]))


def test_unavailable_and_unexecuted_are_counted_apart_and_never_verified() -> None:
    away = {"evidence": "none", "forward": "unavailable", "parity": "unavailable"}
    found = cell(both() + both("a/A", **away) + both("b/B", "unexecuted", "unexecuted", evidence="compiler"))
    assert (found.verified, found.applicable, found.green) == (1, 3, False)
    assert found.by_status == {"pass": 1, "unavailable": 1, "unexecuted": 1}


def test_inapplicable_leaves_the_denominator() -> None:
    found = cell(both() + both("a/A", "inapplicable", "inapplicable") + both("b/B", "pass", "inapplicable"))
    assert (found.verified, found.applicable, found.green) == (1, 1, True)
    assert cell(both() + both("b/B", "fail", "inapplicable")).status == Status.FAIL
    alone = cell(both("a/A", "inapplicable", "inapplicable"))
    assert (alone.status, alone.applicable, alone.inapplicable, alone.green) == (Status.INAPPLICABLE, 0, 1, False)


def test_the_evidence_is_the_weakest_among_the_passes() -> None:
    rows = both() + both("a/A", evidence="emulator") + both("b/B", parity="fail", evidence="none")
    assert cell(rows).evidence == "emulator"
    assert cell(both("b/B", "unavailable", "unavailable", evidence="none")).evidence == "none"


def test_only_the_newest_fingerprint_is_folded_and_the_rest_is_counted() -> None:
    rows = both() + both("a/A", fingerprint="f0") + both("b/B", parity="fail", fingerprint="f0")
    found = cell(rows, newest={"cpu": "f1"})
    assert (found.verified, found.applicable, found.older) == (1, 1, 2)
    assert found.fingerprints == ("f0", "f1")
    folded = cell(rows)
    assert (folded.verified, folded.applicable, folded.older) == (2, 3, 0)
    only_old = cell(both(fingerprint="f0"), newest={"cpu": "f1"})
    assert (only_old.applicable, only_old.older, only_old.green) == (0, 1, False)


def test_a_case_alone_is_shown_also_when_it_is_older() -> None:
    matrix = build(both(fingerprint="f0"), Depth.CLASS, newest={"cpu": "f1"})
    assert [(found.place, found.status, found.older) for found in matrix.cells.values()] == [
        (("cpu", "forward"), "pass", 1),
        (("cpu", "parity"), "pass", 1),
    ]


def test_options_are_counted_apart() -> None:
    rows = both(options='{"soc":"57"}') + both(parity="fail", options='{"soc":"69"}')
    assert (cell(rows).verified, cell(rows).applicable) == (1, 2)


def test_filters_choose_lines_and_change_no_number() -> None:
    rows = both() + both("a/A", parity="fail") + both("v/V", category="vision")
    matrix = build(rows, Depth.CATEGORY, statuses=["fail"])
    assert matrix.labels == (("text-encoders",),)
    assert [(found["verified"], found["applicable"]) for found in flat(matrix)] == [(1, 2)]
    assert not build(rows, Depth.CATEGORY, evidences=["emulator"]).labels
    assert len(build(rows, Depth.ARCHITECTURE, evidences=["hardware"]).labels) == 3


def test_lines_are_in_order_of_priority_and_columns_in_order_of_name() -> None:
    rows = both("z/Z", category="audio", priority="high") + both(platform="web") + both()
    rows += [row(check="backward"), *both("a/A", category="other", priority="low")]
    assert build(rows, Depth.CATEGORY).labels == (("text-encoders",), ("audio",), ("other",))
    places = build(rows, Depth.CLASS).places
    assert places == (("cpu", "forward"), ("cpu", "parity"), ("cpu", "backward"), ("web", "forward"), ("web", "parity"))


def test_flat_rows_have_the_promised_columns() -> None:
    (found,) = flat(build(both(), Depth.ARCHITECTURE))
    assert tuple(found) == FLAT_COLUMNS
    assert (found["model_type"], found["class_name"], found["check"]) == ("bert", None, None)
