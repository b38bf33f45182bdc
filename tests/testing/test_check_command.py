"""``zoo check``, and the process of its own in which each subject is checked."""

from __future__ import annotations

import json
import os
import signal
import threading

import pytest
from calls import call_here
from processes import wait

from zoo import registry
from zoo.cli import writing as command
from zoo.probing import children
from zoo.testing import apart
from zoo.utils.errors import RequestError, ZooError

ONE, OTHER = "one_sample_is_enough", "samples_are_float32"


def test_every_check_is_printed_with_what_came_of_it(capfd: pytest.CaptureFixture[str]) -> None:
    command.check(["right-metric"], False, [], False)
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("metric right-metric: 29 ran, ")
    assert "  ran       its_suffixes_are_names" in lines
    assert "  skipped   without_what_it_needs_it_says_so: the metric needs samples alone" in lines
    assert lines[-1].startswith("1 checked: 29 ran, ")
    assert lines[-1].endswith(" 0 failed, 0 did not run, of 31 checks")


def test_what_is_found_is_said_and_the_command_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """A plugin that prints does not mix into the output; the expected failure of another is no failure."""
    only = ["the_truth_is_at_least_as_good_as_noise", "the_order_of_the_samples_does_not_matter"]
    with pytest.raises(ZooError, match="metric wrong-way does not keep the contracts") as caught:
        command.check(["wrong-way", "error_of_best"], False, only, True)
    assert caught.value.exit_code == 1
    said = json.loads(capfd.readouterr().out)
    assert not said["ok"]
    wrong, right = said["checked"]
    assert (wrong["name"], wrong["ok"], right["name"], right["ok"]) == ("wrong-way", False, "error_of_best", True)
    assert "although higher is better" in wrong["failed"]["the_truth_is_at_least_as_good_as_noise"]
    reason = "it takes the first k, in the order in which neighbours are ranked"
    assert right["expected"] == {"the_order_of_the_samples_does_not_matter": reason}
    assert (right["checks"], right["missing"]) == (2, [])


@pytest.mark.parametrize(
    ("names", "all_", "only", "message"),
    [
        ([], False, [], "name what to check, or write --all"),
        (["nn"], True, [], "not both"),
        (["nm"], False, [], "no model, task, metric or kind of data is called 'nm'"),
        (["nn"], False, ["samples_are_finit"], "did you mean 'samples_are_finite'"),
        (["both"], False, [], "write model:both or task:both"),
    ],
)
def test_a_wrong_request_is_refused_at_once(names: list[str], all_: bool, only: list[str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        command.check(names, all_, only, False)


def test_all_takes_everything_of_whose_kind_a_check_is_wanted() -> None:
    wanted = command._wanted([], True, ("its_suffixes_are_names",))
    assert [name for name, _, _ in wanted] == registry.names("metrics")
    everything = {(name, kind) for name, kind, _ in command._wanted([], True, ())}
    kinds = ("model", "task", "metric", "data")
    assert everything == {(name, kind) for kind in kinds for name in registry.names(registry.plural(kind))}


@pytest.mark.parametrize(
    ("name", "limit", "says"),
    [
        ("sleeps", 5, "it did not end within 5 s"),
        ("exits", apart.LIMIT, "it ended the process (exit code 7)"),
        ("leaves", apart.LIMIT, "it raised SystemExit: enough (planted_wild.py:"),
    ],
)
def test_a_check_that_ends_badly_is_named_and_the_others_go_on(
    name: str, limit: float, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """One sleeps, one ends the process, one prints what looks like a result, which is not taken for one."""
    outcome = apart.check_apart(name, "model", (ONE, OTHER), limit=limit)
    assert outcome.failed[ONE].startswith(says)
    assert (list(outcome.failed), outcome.ran, outcome.ok) == ([ONE], (OTHER,), False)
    assert capfd.readouterr() == ("", "")


def test_a_plugin_that_always_ends_the_process_is_given_up_with_the_rest_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "ENDS", 1)
    names = (ONE, OTHER, "samples_are_finite", "it_is_described", "it_has_a_repr")
    outcome = apart.check_apart("always-exits", "model", names)
    assert (len(outcome.failed), len(outcome.missing) > 0, outcome.ok) == (1, True, False)


def test_a_module_that_never_ends_to_be_imported_is_named() -> None:
    outcome = apart.check_apart("endless", "model", (OTHER, "importing_it_is_quick"), limit=0.5)
    assert outcome.failed == {"importing_it_is_quick": "importing its module: it did not end within 0.5 s"}
    assert (outcome.missing, outcome.ok) == ((OTHER,), False)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_checks_that_are_on_end_with_the_command() -> None:
    before = set(children._LIVING)  # what others keep, as the process by which modules are watched

    def terminate() -> None:
        # Not before it is minded: it would end the tests.
        wait(lambda: children._LIVING - before and signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    threading.Thread(target=terminate, daemon=True).start()
    code, out, err, _ = call_here("check", "endless", "--only", OTHER)
    assert (code, out, err.splitlines()[-1]) == (143, "", "zoo: terminated")
    assert not children._LIVING - before
