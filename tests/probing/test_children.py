"""Processes beside this one: whatever ends them or the one that started them, nobody waits for ever and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import gone, wait

from zoo.probing import watch
from zoo.probing.children import Child, Ended, Fork

TALKER = """
import os, subprocess, sys, time
from zoo.probing.children import Parent
parent = Parent()
print("no answer")
while True:
    asked = parent.ask()
    if asked == "die":
        os._exit(7)
    if asked == "hang up":
        os.closerange(0, 256)
        time.sleep(60)
    if asked == "start":
        asked = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid
    parent.tell([asked, os.environ["OMP_NUM_THREADS"], *sys.argv[1:]])
"""


@pytest.fixture
def talker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Child:
    (tmp_path / "talker.py").write_text(TALKER)
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "json.py").write_text("raise SystemExit('a file of the working folder')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path / "away")
    return Child("talker", "a word", threads=1)


def test_a_child_is_told_and_heard_and_ends_with_all_that_it_started(talker: Child) -> None:
    with talker:
        talker.tell({"x": "é"})
        assert talker.hear(30) == [{"x": "é"}, "1", "a word"]
        with pytest.raises(Ended, match="said nothing in time"):
            talker.hear(0.01)
        talker.tell("start")
        left = talker.hear(30)[0]
        talker.stop()
        with pytest.raises(Ended, match="SIGKILL"):
            talker.hear(30)
    wait(lambda: gone(left))


@pytest.mark.parametrize(("word", "code"), [("die", 7), ("hang up", -signal.SIGKILL)])
def test_how_a_child_ended_is_known_also_of_one_that_hung_up(
    talker: Child, word: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.probing.children._PATIENCE", 0.2)
    talker.tell(word)
    for _ in range(2):
        with pytest.raises(Ended) as end:
            talker.hear(30)
        assert end.value.code == code


def test_a_child_ends_when_its_parent_is_killed(talker: Child) -> None:
    talker.stop()
    code = "from zoo.probing.children import Child; import time; c = Child('talker'); print(c.pid, flush=True); time.sleep(60)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env, cwd="/") as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    wait(lambda: gone(pid))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_has_all_that_was_imported_and_is_ended() -> None:
    done = Fork(lambda tell: tell(["pytest" in sys.modules, os.getsid(0) == os.getpid()]))
    assert done.hear(30) == [True, True]
    with pytest.raises(Ended) as end:
        done.hear(30)
    assert end.value.code == 0
    endless = Fork(lambda tell: time.sleep(60))
    endless.stop()
    assert endless.poll() == -signal.SIGKILL


def test_a_module_is_not_blamed_for_the_end_of_who_was_to_import_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """All children of a process are stopped with a command; the next command of that process starts others."""

    class Nursery:
        made = 0

        def __init__(self, _: str) -> None:
            Nursery.made += 1
            self.code = -9 if Nursery.made == 1 else None

        def poll(self) -> int | None:
            return self.code

        def tell(self, _: object) -> None:
            assert self.code is None

        def hear(self, _: float) -> object:
            return "", [["", "", "", False]]

    monkeypatch.setattr(watch, "Child", Nursery)
    watch._nursery.cache_clear()
    try:
        assert not watch.watch_apart.__wrapped__("zoo_nn").deadly
        assert Nursery.made == 2
    finally:
        watch._nursery.cache_clear()
