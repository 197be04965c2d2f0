"""What `report` makes of a small run, byte for byte, in every format; and what hostile results become in each.

`UPDATE_GOLDEN=1 pytest tests/golden` writes the files anew.
"""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

import made_results as made
from archsweep.commands import main
from archsweep.contract import Failure, Result, RunEnd
from archsweep.store import append, database, exchange, read

EXPECTED = Path(__file__).parent / "views"
NASTY = "<script>alert('x')</script>\"`|*_=HYPERLINK(1)\x1b[2J\x00\ufffe\ud800\u202e\u2028]]>&amp;\r\n# head"
SUFFIXES = (".txt", ".md", ".html", ".xml", ".jsonl", ".json", ".parquet")

Verb = Callable[..., tuple[int, str, str]]


def _results(run: str, day: str, endings: dict[str, str]) -> Iterator[Result]:
    """A forward and a parity of each `subject@platform`; both end alike, but a fail is one of parity alone."""
    for number, (place, status) in enumerate(endings.items()):
        name, _, platform = place.partition("@")
        for check in ("forward", "parity"):
            ended = "pass" if status == "fail" and check == "forward" else status
            operators = ("aten::sort",) if ended == "unsupported" else ()
            message = "" if ended == "pass" else f"'{name}' has {number} of 7 heads"
            failure = Failure(error_class="ValueError", message=message, traceback="Traceback …", operators=operators)
            yield made.result(
                name, check, ended, platform=platform, run=run, at=f"{day}T10:00:0{number}Z", wall_s=number + 0.5,
                evidence="none" if ended == "unavailable" else "emulator" if platform == "npu" else "hardware",
                message=message, failure=failure if ended in ("error", "unsupported", "crash") else None,
                metrics={"run_s": 0.002 * (number + 1), "peak_host_mb": 100.0 + number},
                details={"recipe": {"parameters": 1000 * (number + 1)}},
            )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs of one selection."""
    folder = tmp_path_factory.mktemp("reports")
    path = folder / "results.duckdb"
    database.prepare(path)
    subjects = [made.subject(f"{name}/Model") for name in ("pear", "fig", "plum")]
    runs = {
        ("r0", "2026-11-21"): {"pear/Model@cpu": "pass", "fig/Model@cpu": "error", "fig/Model@npu": "error"},
        ("r1", "2026-11-22"): {
            "pear/Model@cpu": "fail", "fig/Model@cpu": "pass", "fig/Model@npu": "unsupported",
            "pear/Model@npu": "unavailable", "plum/Model@cpu": "error", "plum/Model@npu": "error",
        },
    }  # fmt: skip
    for (run, day), endings in runs.items():
        append.append(
            path, list(_results(run, day, endings)), subjects, [made.environment()],
            run=made.run(run, f"{day}T09:00:00Z"), end=RunEnd(run=run, finished_at=f"{day}T11:02:03Z"),
        )  # fmt: skip
    return folder


@pytest.fixture
def verb(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Runs the command line in the folder of the database: exit code, standard output, standard error."""
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("ARCHSWEEP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARCHSWEEP_DB", "results.duckdb")
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["archsweep", *arguments])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        return int(ending.value.code or 0), printed.out, printed.err

    return run


@pytest.mark.parametrize(
    ("name", "form"),
    [("report.txt", "terminal"), ("report.md", "markdown"), ("report.html", "html"), ("report.xml", "junit")],
)  # fmt: skip
def test_a_report_byte_for_byte(verb: Verb, tmp_path: Path, name: str, form: str) -> None:
    code, out, err = verb("report", "--format", form)
    assert (code, err) == (0, "")
    file = EXPECTED / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(out, encoding="utf-8")
    assert out == file.read_text(encoding="utf-8")
    written = tmp_path / name
    assert verb("report", "latest", "--output", str(written)) == (0, "", f"written: {written}\n")
    assert written.read_text(encoding="utf-8") == out
    assert list(tmp_path.iterdir()) == [written]


def test_rows_are_the_same_in_both_data_formats(verb: Verb, tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    assert verb("report", "r1", "--output", str(file))[0] == 0
    import duckdb

    lines = verb("report", "r1", "--format", "jsonl")[1].splitlines()
    rows = [json.loads(text) for text in lines]
    columns, kept = [], []
    with duckdb.connect() as connection:
        columns = [name for name, *_ in connection.execute(f"describe select * from '{file}'").fetchall()]
        kept = connection.execute(f"select \"case\", status, wall_s, metrics from '{file}'").fetchall()
    assert [(row["case"], row["status"], row["wall_s"], row["metrics"]) for row in rows] == kept
    assert [row["case"] for row in rows] == sorted(row["case"] for row in rows)
    assert len(rows) == 12
    assert all(list(row) == columns for row in rows)
    assert rows[0]["finished_at"] == "2026-11-22T10:00:01.000Z"
    told = " ".join(verb("report", "--help")[1].split())
    assert ", ".join(columns[:12]) in told
    assert all(name in told for name in columns)


def test_json_is_the_whole_report(verb: Verb) -> None:
    found = json.loads(verb("report", "--json")[1])
    assert (found["run"], found["previous"], found["results"]) == ("r1", "r0", 12)
    kinds = {name: len(found["changes"][name]) for name in ("gained", "lost", "moved", "new", "gone")}
    assert kinds == {"gained": 2, "lost": 1, "moved": 2, "new": 6, "gone": 0}
    first = found["causes"][0]
    assert (first["wins"], first["platforms"]) == (["plum"], ["cpu", "npu"])
    assert found["repeats"][first["example"]] == [
        "archsweep run --class plum/Model --platform cpu --check forward --db results.duckdb",
        "archsweep repro plum/Model:cpu:forward --db results.duckdb",
    ]
    assert found["heaviest"][0] == {
        "subject": "plum/Model", "platform": "npu", "memory_mb": 105.0, "memory_of": "host", "parameters": 6000,
    }  # fmt: skip


def test_the_results_of_all_runs_stand_for_no_run(verb: Verb) -> None:
    found = json.loads(verb("report", "all", "--json")[1])
    assert (found["results"], found["previous"], found["changes"]) == (12, "", None)


def test_a_journal_is_reported_as_its_run_is(verb: Verb, folder: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    exchange.export_run(folder / "results.duckdb", "r1", journal)
    whole, alone = (json.loads(verb("report", name, "--json")[1]) for name in ("r1", str(journal)))
    same = ("results", "by_status", "platforms", "causes", "slowest", "heaviest")
    assert {name: whole[name] for name in same} == {name: alone[name] for name in same}
    (first, *_) = alone["repeats"].values()
    assert first == ["archsweep run --class fig/Model --platform npu --check forward"]


def test_the_first_causes_are_shown_and_the_others_counted(verb: Verb) -> None:
    out = verb("report", "--top", "1")[1]
    assert "2 more: archsweep report r1 --top 3 --db results.duckdb" in " ".join(out.split())
    assert "fig/Model --platform" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "r9"], "there is no run 'r9'\nRuns: r1, r0"),
        (["report", "--db", "none.duckdb"], "there is no database at none.duckdb"),
        (["report", "--db", "empty.duckdb"], "holds no run yet\nA sweep makes one: archsweep run --base"),
        (["report", "all", "--db", "empty.duckdb"], "holds no run yet"),
        (["report", "begun", "--db", "begun.duckdb"], "run begun has no results yet\nRuns: archsweep query"),
        (["report", "begun", "--db", "begun.duckdb", "--output", "a.parquet"], "run begun has no results yet"),
        (["report", "begun", "--db", "begun.duckdb", "--output", "a.xml"], "run begun has no results yet"),
        (["report", "--output", "nowhere/report.html"], "there is no folder"),
        (["report", "--output", "."], ". is a folder\nName a file in it"),
        (["report", "--output", "report.pdf"], "names no format of a report\nKnown: .txt, .md"),
        (["run", "--report", "nowhere/report.html"], "there is no folder"),
        (["run", "--report", "report.pdf"], "names no format of a report"),
    ],
)
def test_bad_input_is_named_and_writes_nothing(verb: Verb, folder: Path, arguments: list[str], message: str) -> None:
    for name in ("empty", "begun"):
        database.prepare(folder / f"{name}.duckdb")
    append.begin_run(folder / "begun.duckdb", made.run("begun"))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    code, out, err = verb(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Names, messages, tracebacks and operators that are 1 MB long and full of what could be taken for markup."""
    path = tmp_path_factory.mktemp("hostile") / "results.duckdb"
    database.prepare(path)
    long, name = NASTY * 20_000, NASTY.replace("\ud800", "").replace("/", "")  # half a character is in no name
    failure = Failure(error_class=long, message=long, traceback=long, operators=(name, long))
    known = {"run": name, "wall_s": 1.5, "device": long}
    results = [
        made.result(f"{name}/{name}", "forward", "error", message=long, failure=failure, **known),
        made.result(f"{name}/{name}", "parity", "fail", message=NASTY, failure=None, **known),
        made.result(f"long/{name * 20_000}", "forward", "unavailable", message=long, failure=None, **known),
        made.result("pear/Model", "forward", "crash", platform=name, message=NASTY, failure=failure, **known),
    ]
    append.append(
        path, results, [made.subject(f"{name}/{name}")], [made.environment(driver=name * 20_000, notes=(name,))],
        run=made.run(name), end=RunEnd(run=name, finished_at="2026-11-22T11:00:00Z"),
    )  # fmt: skip
    return path


def _bad(text: str) -> set[str]:
    """Characters that no reader of text should be given."""
    return {letter for letter in text if letter != "\n" and unicodedata.category(letter)[0] == "C"} | (
        {"\u2028", "\u2029"} & set(text)
    )


class _Seen(html.parser.HTMLParser):
    """The elements of a page, the attributes of each, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_hostile_results_are_text_in_every_format(verb: Verb, hostile: Path, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"report{suffix}"
    code, out, err = verb("report", "latest", "--db", str(hostile), "--output", str(file))
    assert (code, out, err) == (0, "", f"written: {file}\n")
    if suffix in (".txt", ".md", ".html", ".xml"):
        text = file.read_text(encoding="utf-8")
        assert _bad(text) == set()
        assert len(text) < 200_000
        assert "<script>" not in text or suffix in (".txt", ".md")
    if suffix in (".jsonl", ".json"):
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", file.read_text(encoding="utf-8"))


def test_markdown_has_no_markup_from_outside(verb: Verb, hostile: Path) -> None:
    """Outside of code every special character is disarmed, and no code ends before its line does."""
    text = verb("report", "--db", str(hostile), "--format", "markdown")[1]
    fenced = re.sub(r"^(`{3,})sh\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", fenced)
    assert "script" in outside
    assert "<script" not in outside
    assert not re.search(r"(?<!\\)`", outside)
    heads = [head for head in fenced.splitlines() if head.startswith("#")]
    assert all(head.lstrip("#").startswith(" ") and "alert" not in head for head in heads[1:])


def test_the_page_has_no_script_and_its_policy_allows_its_own_style_alone(verb: Verb, hostile: Path) -> None:
    text = verb("report", "--db", str(hostile), "--format", "html")[1]
    seen = _Seen(text)
    assert "alert('x')" in seen.text
    assert set(seen.tags).isdisjoint({"script", "img", "iframe", "link", "object", "form", "base"})
    assert seen.tags.count("style") == 1
    assert not any(name.startswith("on") or name in ("style", "src") for name in seen.attributes)
    assert set(re.findall(r'href="([^"]*)"', text)) == {
        "#main", "#coverage", "#changes", "#causes", "#longest", "#environments",
    }  # fmt: skip
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in html.unescape(text)
    assert "url(" not in style
    assert "@import" not in style


def test_every_table_of_the_page_has_a_caption_and_scopes(verb: Verb) -> None:
    text = verb("report", "--format", "html")[1]
    tables = re.findall(r"<table>.*?</table>", text, flags=re.DOTALL)
    assert len(tables) > 4
    for table in tables:
        assert "<caption>" in table
        assert set(re.findall(r"<th(?: scope=\"(\w+)\")?", table.replace("<thead", ""))) <= {"col", "row"}
    assert len(set(re.findall(r' id="([^"]+)"', text))) == len(re.findall(r' id="', text))


@pytest.mark.parametrize("harmless", [True, False])
def test_junit_is_as_its_schemas_have_it(verb: Verb, folder: Path, hostile: Path, harmless: bool) -> None:
    """The elements and attributes that both the schema of Jenkins' plugin and that of Ant's tasks know and require."""
    path = folder / "results.duckdb" if harmless else hostile
    root = ElementTree.fromstring(verb("report", "--db", str(path), "--format", "junit")[1])
    assert (root.tag, root.attrib) == ("testsuites", {})
    for number, suite in enumerate(root):
        assert suite.tag == "testsuite"
        assert set(suite.attrib) == {
            "name", "package", "id", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname",
        }  # fmt: skip
        assert suite.attrib["id"] == str(number)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
        cases = suite.findall("testcase")
        assert [child.tag for child in suite] == [
            "properties", *["testcase"] * len(cases), "system-out", "system-err",
        ]  # fmt: skip
        assert all(set(item.attrib) == {"name", "value"} for item in suite.findall("properties/property"))
        for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert len(suite.findall(f"testcase/{kind}")) == int(suite.attrib[name])
        assert len(cases) == int(suite.attrib["tests"])
        for case in cases:
            assert set(case.attrib) == {"classname", "name", "time"}
            assert len(case) <= 1
            wanted = {"failure": {"message", "type"}, "error": {"message", "type"}, "skipped": {"message"}}
            assert all(set(child.attrib) == wanted[child.tag] for child in case)


def test_statuses_are_failures_errors_or_skipped(verb: Verb) -> None:
    root = ElementTree.fromstring(verb("report", "--format", "junit")[1])
    found = {
        f"{case.attrib['classname']} {case.attrib['name']}": [child.tag for child in case]
        for case in root.iter("testcase")
    }
    assert found["pear.Model cpu:parity"] == ["failure"]
    assert found["plum.Model npu:forward"] == ["error"]
    assert found["fig.Model npu:parity"] == found["pear.Model npu:parity"] == ["skipped"]
    assert found["fig.Model cpu:parity"] == []
    (error,) = root.findall("testsuite[@name='npu']/testcase[@classname='plum.Model'][@name='npu:parity']/error")
    assert error.attrib == {"message": "error at compare: 'plum/Model' has 5 of 7 heads", "type": "ValueError"}
    assert error.text == "Traceback …"


def test_names_of_statuses_are_never_colour_alone(verb: Verb) -> None:
    text = verb("report", "--format", "html")[1]
    for kind in ("fail", "error", "pass"):
        shown = re.findall(rf'<(?:td|span) class="{kind}">([^<]*)<', text)
        assert shown
        assert all(re.match(rf"\S+ {kind}", words) for words in shown)


def test_the_report_of_a_run_leaves_the_database_as_it_is(verb: Verb, folder: Path) -> None:
    before = (folder / "results.duckdb").read_bytes()
    assert verb("report")[0] == 0
    assert (folder / "results.duckdb").read_bytes() == before
    assert read.runs(folder / "results.duckdb")
