"""The search for the settings of one model by Optuna, in a file that goes on where it was stopped."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.running.plan import written
from zoo.searching.space import Range, Space
from zoo.utils.errors import border
from zoo.utils.extras import extra

REPEATS = 50
"""Settings that have been asked for before are asked for so often in a row before the search counts as exhausted."""


class Study:
    """Settings asked for one after another, by what was told of those before; each is asked for once.

    The file is a journal of Optuna's, which its own tools read. What is asked for depends on the seed and on what was told,
    not on when the search was stopped.
    """

    def __init__(self, path: Path, name: str, space: Space, usual: Mapping[str, Any], seed: int) -> None:
        self.optuna = extra("optuna", "tune", "zoo tune")
        self.optuna.logging.set_verbosity(self.optuna.logging.WARNING)
        self.space, self.seed = space, seed
        self.values = {key: {written(value): value for value in part} for key, part in space.items() if isinstance(part, list)}
        with warnings.catch_warnings(), border(f"the search in {path} cannot be gone on with"):
            warnings.simplefilter("ignore")
            backends = self.optuna.storages.journal
            # Not by a symbolic link, as by default: Windows lets few people make one, and some file systems have none.
            journal = backends.JournalFileBackend(str(path), lock_obj=backends.JournalFileOpenLock(str(path)))
            storage = self.optuna.storages.JournalStorage(journal)
            self.study = self.optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
            self.study.enqueue_trial(self._in_space(usual), skip_if_exists=True)

    def _in_space(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the settings that are searched among, as Optuna has them."""
        found: dict[str, Any] = {}
        for key, value in settings.items():
            part = self.space[key]
            if isinstance(part, Range):
                if isinstance(value, (int, float)) and part.low <= value <= part.high:
                    found[key] = value
            elif written(value) in self.values[key]:
                found[key] = written(value)
        return found

    def _distributions(self) -> dict[str, Any]:
        kinds = self.optuna.distributions
        return {
            key: kinds.CategoricalDistribution(list(self.values[key]))
            if not isinstance(part, Range)
            else (kinds.IntDistribution if part.whole else kinds.FloatDistribution)(part.low, part.high, log=part.log)
            for key, part in self.space.items()
        }

    def _settings(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self.values[key][value] if key in self.values else value for key, value in params.items()}

    @property
    def asked(self) -> list[tuple[int, dict[str, Any], bool]]:
        """All settings that were asked for: their number, they themselves, and whether their outcome is known."""
        trials = [trial for trial in self.study.get_trials(deepcopy=False) if trial.user_attrs.get("asked")]
        return [(trial.number, self._settings(trial.params), trial.state.is_finished()) for trial in trials]

    def ask(self) -> tuple[int, dict[str, Any]] | None:
        """The number of the next settings, and they themselves; None where there are no others."""
        known = [settings for _, settings, _ in self.asked]
        for _ in range(REPEATS):
            number = len(self.study.get_trials(deepcopy=False))
            self.study.sampler = self.optuna.samplers.TPESampler(seed=(self.seed + 1_000_003 * number) % 2**32)
            trial = self.study.ask(self._distributions())
            settings = self._settings(trial.params)
            if settings not in known:
                trial.set_user_attr("asked", True)
                return trial.number, settings
            self.study.tell(trial, state=self.optuna.trial.TrialState.PRUNED)
        return None

    def tell(self, number: int, cost: float | None) -> None:
        """The cost of the settings of this number, the lower the better; None where they came to nothing."""
        failed = self.optuna.trial.TrialState.FAIL if cost is None else None
        self.study.tell(number, cost, state=failed, skip_if_finished=True)
