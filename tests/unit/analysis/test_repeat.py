"""The command that repeats one case alone: every flag that the case needs, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from archsweep.analysis.repeat import case_of, command

ALONE = "archsweep run --class bert/BertModel --platform cpu --check parity"
ROW = {
    "model_type": "bert", "class_name": "BertModel", "platform": "cpu", "check": "parity", "dtype": "float32",
    "default_dtype": "float32", "weights": "tiny", "options": "{}",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "asked", "more"),
    [
        ({}, {}, ""),
        ({}, {"timeout_s": 120.0, "memory_bytes": 3 * 2**30, "imports": [], "rules_alone": False}, ""),
        ({"dtype": "float16"}, {}, "--dtype float16 "),
        ({"dtype": "float16", "default_dtype": "float16"}, {}, ""),
        (
            {"options": '{"soc":"57","engine":"a b"}'},
            {},
            "--option 'engine=a b' --option soc=57 ",
        ),
        ({}, {"imports": ["my", "a b"], "trust_remote_code": True}, "--import my --import 'a b' --trust-remote-code "),
        ({}, {"rules_alone": True, "timeout_s": 7.5}, "--rules-alone --timeout 7.5 "),
        ({}, {"memory_bytes": 900 * 2**20}, "--memory 943718400 "),
    ],
)  # fmt: skip
def test_the_command_that_repeats_a_cell(changes: dict[str, str], asked: dict[str, Any], more: str) -> None:
    found = command(case_of({**ROW, **changes}), "my.duckdb", asked)
    assert found.startswith(ALONE)
    assert found == f"{ALONE} {more}--db my.duckdb"


def test_a_journal_is_not_named_as_a_database() -> None:
    assert command(case_of(ROW), "", {}) == ALONE
