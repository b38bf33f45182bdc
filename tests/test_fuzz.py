"""Some hundred cases of the fuzzer, of every kind of input: none ends but with an answer, or with a line that refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / "tools"


def test_hostile_files_and_words_are_answered_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    import fuzz

    counts = fuzz.fuzz_all(500, 1, tmp_path)
    assert not [fault for count in counts for fault in count.faults]
    assert sum(count.cases for count in counts) >= 500
    for count in counts:
        assert count.refused + count.accepted == count.cases > 20


def test_a_fault_is_counted_and_leaves_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    import fuzz
    import model_targets

    class Careless(model_targets.Registry):
        def use(self, folder: Path, case: object) -> None:
            if case is not None and (folder / "registry.toml").read_bytes() != self.good["registry.toml"]:
                raise KeyError("schema")

    with fuzz.world() as root:
        count = fuzz.fuzz(Careless(root / "careless"), 20, 0, tmp_path)
    assert 0 < len(count.faults) <= count.cases - count.accepted
    assert "KeyError: 'schema'" in count.faults[0]
    (kept, *_) = sorted(tmp_path.iterdir())
    assert {"case.txt", "registry.toml", "suites"} <= {path.name for path in kept.iterdir()}


@pytest.mark.parametrize(("work", "said"), [("while True: pass", "TooLong: it took more than"), ("exit(3)", "SystemExit: 3")])
def test_a_case_that_does_not_end_or_ends_the_process_is_a_fault(
    work: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    import fuzz

    monkeypatch.setattr(fuzz, "LIMIT", 0.05)
    how, reason = fuzz.ended(lambda: exec(work))
    assert how == "fault"
    assert reason.startswith(said)


def test_what_is_put_twice_does_not_hold_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    import mutations

    put = {"": 0}
    changed = mutations._changed_value({"a": 1}, [("put", 1, put), ("put", 2, put)])
    assert (changed, put) == ({"a": {"": {"": 0}}}, {"": 0})
