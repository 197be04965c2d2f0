"""How the program itself ends: a full disk, a reader that went away, and a crash are no findings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = "from archsweep.commands import main; main()"
CRASH = "import archsweep.commands.list_ as verb; verb.checks.callback = lambda **words: 1 / 0; " + PROGRAM
FULL = Path("/dev/full")


def ended(output: int, *words: str, program: str = PROGRAM) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *words], stdout=output, stderr=subprocess.PIPE, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", [["--help"], ["list", "platforms"], ["list", "checks", "--json"]])
def test_a_reader_that_went_away_ends_it_quietly(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert ended(writer, *words) == (0, "")
    finally:
        os.close(writer)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["--help"], ["list", "platforms"]])
def test_a_full_disk_is_one_message(words: list[str]) -> None:
    with FULL.open("w") as full:
        code, said = ended(full.fileno(), *words)
    assert (code, said.splitlines()[0]) == (2, "error: No space left on device")
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_a_crash_of_the_program_keeps_its_traceback_and_is_no_finding() -> None:
    code, said = ended(subprocess.DEVNULL, "list", "checks", program=CRASH)
    assert code == 3
    assert said.startswith("Traceback")
    assert said.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_the_package_itself_is_the_program() -> None:
    words = [sys.executable, "-m", "archsweep", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(",")[0]) == (0, "archsweep")
