"""What is kept is whole, made once, and made again where it is not whole."""

import multiprocessing
import os
import signal
import sys

import pytest

from archsweep.export import apart, cache


def keep(folder, content=b"graph"):
    made = folder / "made.draft"
    made.write_bytes(content)
    return cache.store(folder, "name", {"route": "one"}, made)


def test_kept_and_found(tmp_path):
    file = keep(tmp_path)
    assert cache.load(tmp_path, "name") == ({"route": "one"}, file)


def test_a_failure_is_kept_too(tmp_path):
    cache.store(tmp_path, "name", {"attempts": []}, None)
    assert cache.load(tmp_path, "name") == ({"attempts": []}, None)


@pytest.mark.parametrize("content", [b"gra", b"", b"graphs"])
def test_a_cut_or_changed_graph_is_none(tmp_path, content):
    keep(tmp_path).write_bytes(content)
    assert cache.load(tmp_path, "name") is None


def test_cut_facts_are_none(tmp_path):
    keep(tmp_path)
    facts = tmp_path / "name.json"
    facts.write_text(facts.read_text()[:-5])
    assert cache.load(tmp_path, "name") is None


def ask(folder, counter):
    with cache.alone(folder, "name"):
        if cache.load(folder, "name") is None:
            with counter.open("a") as written:
                written.write("made\n")
            cache.store(folder, "name", {}, None)


def test_two_at_once_make_one(tmp_path):
    context, counter = multiprocessing.get_context("spawn"), tmp_path / "counter"
    both = [context.Process(target=ask, args=(tmp_path, counter)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert counter.read_text() == "made\n"


def test_without_permission_a_temporary_folder_and_one_warning(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.warns(UserWarning, match="graphs are not kept"):
        place = cache.writable(blocked)
    assert place.is_dir() and cache.writable(blocked) == place
    assert cache.writable(tmp_path) == tmp_path


def test_a_folder_of_somebody_else_costs_no_graph(tmp_path):
    """A file stands where the folder should be: not even root can make one there."""
    (tmp_path / "graphs").mkdir()
    (tmp_path / "graphs" / "ab").write_text("no folder")
    with pytest.warns(UserWarning, match="graphs are not kept"):
        folder = cache.shelf(tmp_path, "ab")
    assert folder == cache.shelf(tmp_path, "ab") and tmp_path not in folder.parents
    assert cache.shelf(tmp_path, "cd") == tmp_path / "graphs" / "cd"
    with cache.alone(folder, "name"):
        cache.store(folder, "name", {"route": "one"}, None)
    assert cache.load(folder, "name") == ({"route": "one"}, None)


def test_a_lock_of_somebody_else_stops_nobody(tmp_path):
    (tmp_path / "name.lock").mkdir()
    with pytest.warns(UserWarning, match="cannot be locked"), cache.alone(tmp_path, "name"):
        cache.store(tmp_path, "name", {"route": "one"}, None)
    assert cache.load(tmp_path, "name") == ({"route": "one"}, None)


def test_a_step_that_kills_its_process_ends_only_itself():
    assert apart.call(lambda: [1, None]) == [1, None]
    with pytest.raises(apart.Died, match="SIGUSR1"):
        apart.call(lambda: os.kill(os.getpid(), signal.SIGUSR1))
    with pytest.raises(apart.Died, match="exit code 7"):
        apart.call(lambda: os._exit(7))
    with pytest.raises(apart.Killed, match="SIGKILL"):
        apart.call(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_what_a_step_raises_is_told_by_class_and_text():
    def step():
        raise FileNotFoundError(2, "No such file or directory", "odd.onnx")

    with pytest.raises(apart.Raised, match=r"^FileNotFoundError: .*No such file or directory: 'odd.onnx'") as told:
        apart.call(step)
    assert told.value.kinds[:2] == ("FileNotFoundError", "OSError")
    with pytest.raises(apart.Raised, match=r"^SystemExit: 3$"):
        apart.call(lambda: sys.exit(3))
    with pytest.raises(apart.Raised, match=r"TypeError.*not JSON serializable"):
        apart.call(object)


def test_a_step_that_takes_too_much_processor_time_is_given_up():
    def endless():
        while True:
            pass

    with pytest.raises(apart.GivenUp, match="given up after 1 s"):
        apart.call(endless, 1)
    assert apart.call(lambda: 5, 60) == 5
    with pytest.raises(apart.NotAsked, match="not asked"):
        apart.call(lambda: 5, 0.5)
    assert apart.spent_s() >= 1, "what the given up process used counts"
