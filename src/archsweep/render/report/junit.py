"""A report as JUnit XML: a testsuite for each platform, a testcase for each case.

What is wrong or lost is a failure, what raised or died an error; what was refused, not tried or does not apply is
skipped, each with its status as the first word. Element by element as the common schemas have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from archsweep.contract import Status
from archsweep.render.words import line, plain

Row = Mapping[str, Any]

FAILURES = frozenset({Status.FAIL})
ERRORS = frozenset({Status.ERROR, Status.CRASH, Status.OOM, Status.TIMEOUT, Status.BROKEN})
TOLD = 4_000  # characters of a traceback


def junit(rows: Sequence[Row], started_at: str) -> str:
    """The whole document; `rows` may have a `traceback`. Neither host nor folder of this machine is in it."""
    return "".join(_document(rows, started_at))


def _document(rows: Sequence[Row], started_at: str) -> Iterator[str]:
    suites: dict[str, list[Row]] = {}
    for row in rows:
        suites.setdefault(row["platform"], []).append(row)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    for number, (platform, inside) in enumerate(sorted(suites.items())):
        yield _suite(number, platform, inside, started_at)
        for row in inside:
            yield _case(row)
        yield "    <system-out/>\n    <system-err/>\n  </testsuite>\n"
    yield "</testsuites>\n"


def _suite(number: int, platform: str, rows: Sequence[Row], started_at: str) -> str:
    failures = sum(row["status"] in FAILURES for row in rows)
    errors = sum(row["status"] in ERRORS for row in rows)
    passed = sum(row["status"] == Status.PASS for row in rows)
    known = {
        "name": line(platform), "package": "archsweep", "id": number, "tests": len(rows), "failures": failures,
        "errors": errors, "skipped": len(rows) - failures - errors - passed,
        "time": f"{sum(row['wall_s'] for row in rows):.3f}", "timestamp": started_at[:19], "hostname": "localhost",
    }  # fmt: skip
    devices = sorted({line(row["device"]) for row in rows if row["device"]})
    versions = sorted({row["transformers_version"] for row in rows if row["transformers_version"]})
    properties = "".join(
        f"      <property{_attributes({'name': name, 'value': ', '.join(values)})}/>\n"
        for name, values in (("device", devices), ("transformers", versions))
        if values
    )
    return f"  <testsuite{_attributes(known)}>\n    <properties>\n{properties}    </properties>\n"


def _case(row: Row) -> str:
    head = {
        "classname": f"{line(row['model_type'])}.{line(row['class_name'])}",
        "name": line(str(row["case"]).removeprefix(f"{row['model_type']}/{row['class_name']}:")),
        "time": f"{row['wall_s']:.3f}",
    }
    inner = "" if row["status"] == Status.PASS else _ending(row)
    return f"    <testcase{_attributes(head)}{f'>{inner}</testcase>' if inner else '/>'}\n"


def _ending(row: Row) -> str:
    status = row["status"]
    told = line(
        f"{status} at {row['stage']}: {row['message']}" if row["message"] else f"{status} at {row['stage']}", 1_000
    )
    if status not in FAILURES and status not in ERRORS:
        return f"<skipped{_attributes({'message': told})}/>"
    name = "failure" if status in FAILURES else "error"
    kind = line(row["error_class"] or status)
    text = plain((row.get("traceback") or row["message"] or "")[-TOLD:], TOLD)
    return f"<{name}{_attributes({'message': told, 'type': kind})}>{escape(text)}</{name}>"


def _attributes(values: Mapping[str, Any]) -> str:
    return "".join(f" {name}={quoteattr(str(value))}" for name, value in values.items())
