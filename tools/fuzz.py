"""Hostile input by the thousand: ``python tools/fuzz.py --cases 10000 --seed 0`` tries changed files and words, and counts.

Whatever a file or a word holds, the answer is what was asked for, or one line that refuses it: no traceback, no case that
takes longer than the limit, no more than 2 GB of memory, no number that is not finite. What breaks this is a fault: the table
counts them, and each leaves its files in the folder of ``--keep``, to be tried again. The same seed tries the same cases.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from zoo.utils.errors import ZooError

LIMIT = 20.0
"""Seconds that one case may take."""
MOST = 2 << 30
"""Bytes of memory that the process may have at its peak."""


class TooLong(BaseException):
    """A case is over its limit; nothing that expects an error catches it."""


class Wrong(Exception):
    """A case was answered, and the answer is wrong; says how."""


@dataclass
class Count:
    """How the cases of one kind ended; ``faults`` are in a line each."""

    kind: str
    cases: int = 0
    refused: int = 0
    accepted: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


def peak() -> int:
    """The largest memory of this process so far, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    def end(*_: object) -> None:
        raise TooLong(f"it took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def ended(work: Callable[[], object]) -> tuple[str, str]:
    """How a case ended, "accepted", "refused" or "fault", and the reason."""
    over = peak() > MOST
    try:
        with limited(LIMIT), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                work()
        how, reason = "accepted", ""
    except ZooError as error:
        how, reason = ("fault", "its refusal is no line: ") if "\n" in str(error) or not str(error) else ("refused", "")
        reason += str(error)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        how, reason = "fault", f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    if peak() > MOST and not over:
        how, reason = "fault", f"it took {peak() / 1e9:.1f} GB"
    return how, " ".join(reason.split())[:300]


def fuzz(target: Any, cases: int, number: int, keep: Path) -> Count:
    """Try so many cases of one kind, those of the seed ``number``."""
    count, started = Count(target.kind), time.monotonic()

    @seed(number)
    @settings(
        max_examples=cases, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(target.cases)
    def each(case: Any) -> None:
        folder = Path(tempfile.mkdtemp(dir=target.root))
        count.cases += 1
        try:
            target.put(folder, case)
            how, reason = ended(lambda: target.use(folder, case))
            if how == "fault":
                place = keep / f"{target.kind}-{number}-{count.cases}"
                count.faults.append(f"{target.kind}, seed {number}, case {count.cases}, {place}: {reason}")
                shutil.copytree(folder, place, dirs_exist_ok=True, symlinks=True)
                (place / "case.txt").write_text(f"{reason}\n{case!r}\n", encoding="utf-8", errors="backslashreplace")
            elif how == "refused":
                count.refused += 1
            else:
                count.accepted += 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    each()
    count.seconds = time.monotonic() - started
    return count


@contextlib.contextmanager
def world() -> Iterator[Path]:
    """A folder for all files, in which the process works, with a cache and a configuration of its own and no Hub."""
    own = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}
    before, here = dict(os.environ), Path.cwd()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        own |= {"HOME": name, "XDG_CONFIG_HOME": name, "ZOO_CACHE": f"{name}/cache", "HF_HOME": f"{name}/hub"}
        os.environ.update(own)
        os.environ.pop("ZOO_DEBUG", None)
        os.chdir(name)
        try:
            yield Path(name)
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)


def fuzz_all(cases: int, number: int, keep: Path, kinds: list[str] | None = None) -> list[Count]:
    """``cases`` in all, spread over the kinds by their weight."""
    from command_lines import CommandLines
    from model_targets import MODELS
    from targets import DATA

    chosen = [each for each in (*DATA, *MODELS, CommandLines) if kinds is None or each.kind in kinds]
    counts = []
    with world() as root:
        for i, make in enumerate(chosen):
            weight = sum(each.weight for each in chosen[i:])
            share = round((cases - sum(count.cases for count in counts)) * make.weight / weight)
            counts.append(fuzz(make(root / make.kind), share, number, keep))
            print(line(counts[-1]), flush=True)
    return counts


def line(count: Count) -> str:
    numbers = (count.cases, count.refused, count.accepted, len(count.faults))
    return f"{count.kind:<12}" + "".join(f"{number:>10}" for number in numbers) + f"{count.seconds:>9.1f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", action="append", help="only this kind of input; may be repeated")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"), help="where faults leave their files")
    asked = parser.parse_args()
    print(f"{'KIND':<12}" + "".join(f"{head:>10}" for head in ("CASES", "REFUSED", "ACCEPTED", "FAULTS")) + "      TIME")
    counts = fuzz_all(asked.cases, asked.seed, asked.keep.resolve(), asked.kind)
    total = Count("all", *(sum(getattr(count, name) for count in counts) for name in ("cases", "refused", "accepted")))
    total.faults = [fault for count in counts for fault in count.faults]
    total.seconds = sum(count.seconds for count in counts)
    print(line(total))
    print(f"peak {peak() / 1e9:.2f} GB")
    print(*total.faults, sep="\n")
    return 1 if total.faults or peak() > MOST else 0


if __name__ == "__main__":
    sys.exit(main())
