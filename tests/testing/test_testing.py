"""What comes of checks: how they are counted, what a missing one means, and how pytest sees them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import planting
import pytest
import torch

from zoo import testing
from zoo.cli import writing
from zoo.probing.outcome import Tried
from zoo.testing.checking import Check, chosen, subject_of
from zoo.testing.checks import itself
from zoo.testing.outcome import Outcome, Result, run_all
from zoo.testing.verdicts import KINDS, Broken, Skipped
from zoo.utils.errors import RequestError

DOCS = Path(__file__).resolve().parents[2] / "docs" / "checks.md"


def test_every_check_says_its_contract_in_a_sentence() -> None:
    for kind in KINDS:
        for check in testing.checks(kind):
            assert check.contract.endswith(".")
            assert check.name in f"{check.function.__name__}"
            assert all(reason for reason in check.skips)


def test_the_page_of_checks_is_what_the_checks_say() -> None:
    assert DOCS.read_text(encoding="utf-8") == testing.page(), "docs/checks.md must be what zoo.testing.page() gives"


def test_every_check_has_a_planted_fault_but_these() -> None:
    planted = {(kind, name) for kind, _, checks in planting.planted().values() for name in checks}
    every = {(kind, check.name) for kind in KINDS for check in testing.checks(kind)}
    everywhere = {name for _, name in planted if all((kind, name) in every for kind in KINDS)}
    without = {(kind, name) for kind, name in every - planted if name not in everywhere}
    assert without == {
        ("model", "an_accelerator_works_like_the_cpu"),  # there is none here
        ("metric", "it_works_on_an_accelerator"),
        # No model can keep the core from refusing these:
        ("model", "a_tensor_that_is_not_finite_is_refused"),
        ("model", "a_missing_tensor_is_refused"),
        ("model", "an_unknown_setting_in_a_checkpoint_is_refused"),
        # Checks of models and tasks alike, whose faults are planted in models:
        ("task", "its_config_is_frozen_and_plain"),
        ("task", "a_setting_of_the_wrong_type_is_refused"),
        ("task", "a_setting_has_an_effect_on_its_config"),
    }


def a_check(name: str, error: BaseException | None = None, *skips: str) -> Check:
    def function(subject: Any) -> None:
        if error is not None:
            raise error

    return Check(name, "metric", f"{name}.", skips, function)


def run(*checks: Check, expected: Mapping[str, str] | None = None) -> Outcome:
    subject = subject_of("right-metric")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(subject.cls, "expected_failures", expected or {})
        return run_all(subject, checks)


def test_each_state_is_counted_and_all_together_are_all() -> None:
    outcome = run(
        a_check("holds"),
        a_check("skips", Skipped("none here"), "none here"),
        a_check("fails", ValueError("no")),
        expected={"fails": "it never could"},
    )
    assert (outcome.ran, outcome.skipped) == (("holds",), {"skips": "none here"})
    assert (outcome.expected, outcome.ok) == ({"fails": "it never could"}, True)
    assert str(outcome) == "metric right-metric: 1 ran, 1 skipped, 1 expected to fail, of 3"


def test_what_fails_or_leaves_says_what_it_raised_and_where() -> None:
    outcome = run(a_check("fails", ValueError("no")), a_check("leaves", SystemExit(3)))
    assert outcome.failed["fails"].startswith("it raised ValueError: no (test_testing.py:")
    assert outcome.failed["leaves"].startswith("it raised SystemExit: 3 (test_testing.py:")
    assert not outcome.ok


def test_a_skip_that_is_not_declared_and_an_expected_failure_that_holds_are_failures() -> None:
    outcome = run(a_check("skips", Skipped("no time"), "none here"))
    assert "which this check never is" in outcome.failed["skips"]
    assert not outcome.ok
    outcome = run(a_check("holds"), expected={"holds": "it could not"})
    assert "take it out of expected_failures" in outcome.failed["holds"]
    assert not outcome.ok


def test_an_outcome_with_a_check_missing_or_with_none_is_not_right() -> None:
    nothing = run()
    assert (nothing.ok, "DID NOT RUN" in str(nothing)) == (False, True)
    outcome = Outcome("one", "metric", ("first", "second"))
    outcome.add(Result("first", "ran", ""))
    assert (outcome.missing, outcome.ok) == (("second",), False)
    assert str(outcome) == "metric one: 1 ran, 0 skipped, 0 expected to fail, 1 DID NOT RUN, of 2"


def test_only_the_checks_that_are_named_run() -> None:
    outcome = testing.check("right-metric", only=("its_suffixes_are_names",))
    assert outcome.should == outcome.ran == ("its_suffixes_are_names",)
    assert subject_of("model:both").kind == "model"
    assert subject_of("both", "task").kind == "task"


@pytest.mark.parametrize(
    ("ask", "given", "says"),
    [
        (testing.check, ("right-metric", "metric", ("its_suffixes_are_name",)), "did you mean 'its_suffixes_are_names'"),
        (chosen, ("metric", ("zzz",)), r"docs/checks\.md"),
        (subject_of, ("both",), "a model and a task are called 'both'; write model:both or task:both"),
        (subject_of, ("rigth",), r"no model, task, metric or kind of data is called 'rigth': did you mean .*'right'"),
        (subject_of, ("right-metric", "task"), "no task is called 'right-metric'"),
        (testing.parametrize, ("rite",), "no model, task, metric or kind of data is called 'rite'"),
        (testing.parametrize, (), "at least one"),
    ],
)
def test_what_there_is_not_is_refused(ask: Any, given: tuple[Any, ...], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        ask(*given)


def test_what_cannot_be_imported_is_one_failure_with_its_error() -> None:
    outcome = testing.check("broken", only=("it_is_registered", "samples_are_finite"))
    (said,) = outcome.failed.values()
    assert said == "model 'broken' of planted 1.0 is broken: there is no module 'planted_nowhere'"
    assert (outcome.missing, outcome.ok) == (("samples_are_finite",), False)
    lines = writing._block(outcome).splitlines()
    assert lines == [f"model broken: FAILED, and none of its 2 checks could run: {said}"]
    first, *others = (param.values[0] for param in testing.parametrize("broken").args[1])
    with pytest.raises(pytest.fail.Exception, match="there is no module 'planted_nowhere'"):
        first()
    for other in others:
        with pytest.raises(pytest.skip.Exception, match="as the first failure says"):
            other()


def test_an_import_that_was_slow_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time counts, not what is kept of the first."""
    (subject := subject_of("right-metric")).imported = Tried(seconds=5.0)
    for seconds, slow in ((0.1, False), (3.0, True)):
        again = SimpleNamespace(__wrapped__=lambda module, seconds=seconds: Tried(seconds=seconds))
        monkeypatch.setattr(itself, "watch_apart", again)
        with pytest.raises(Broken, match=r"took 3\.0 s") if slow else nullcontext():
            subject.importing_it_is_quick()


def test_a_check_leaves_the_global_state_as_it_was() -> None:
    def disturb(subject: Any) -> None:
        torch.manual_seed(123)
        torch.set_default_dtype(torch.float64)

    before = torch.get_rng_state()
    run(Check("disturbs", "metric", "", (), disturb))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_default_dtype() == torch.float32


def test_pytest_sees_one_test_a_check() -> None:
    """Passed, failed, skipped and expected to fail, by name; an expected failure that holds fails."""
    marks = testing.parametrize("number-a-sample", kind="metric")
    ids = [param.id for param in marks.args[1]]
    assert ids == [f"number-a-sample-{check.name}" for check in testing.checks("metric")]
    raised = {}
    for param in marks.args[1]:
        try:
            param.values[0]()
        except BaseException as error:
            raised[param.id.removeprefix("number-a-sample-")] = type(error).__name__
    assert {name for name, kind in raised.items() if kind == "Failed"} == planting.planted()["number-a-sample"][2]
    assert raised["without_what_it_needs_it_says_so"] == "Skipped"


def test_pytest_sees_an_expected_failure() -> None:
    tests = {param.id: param.values[0] for param in testing.parametrize("error_of_best").args[1]}
    with pytest.raises(pytest.xfail.Exception, match="neighbours are ranked"):
        tests["error_of_best-the_order_of_the_samples_does_not_matter"]()
