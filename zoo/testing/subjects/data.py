"""A kind of data under check, and the small data that is read of it."""

from __future__ import annotations

import tempfile
import warnings
from functools import cached_property
from pathlib import Path

from zoo import registry
from zoo.contracts import make
from zoo.data.records import Data, Records, Split
from zoo.testing.verdicts import Skipped, Subject
from zoo.utils.errors import RequestError
from zoo.utils.files import user_path

NO_PATH = "it needs a path, and has no example(): check NAME:PATH"
SEEN = 24
"""Items whose picture is looked at, at most, spread over all of a split."""


class DataSubject(Subject):
    """``NAME`` or ``NAME:PATH``: without a path it is read as its ``example`` says."""

    kind = "data"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.registered, _, self.path = name.partition(":")

    @property
    def entry(self) -> registry.Entry:
        return registry.entry("data", self.registered)

    @cached_property
    def cls(self) -> type[Data]:
        found: type[Data] = make.class_of("data", self.registered)
        return found

    @cached_property
    def words(self) -> str:
        """The words of what is read, as on the command line."""
        path = self.path
        if not path:
            self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            path = self.cls.example(Path(self._folder.name))
        return f"{self.registered}:{path}" if path else self.registered

    @property
    def place(self) -> Path | None:
        """The file or folder that is read; None where the path names none."""
        path = self.words.partition(":")[2]
        place = user_path(path) if path else Path()
        return place if path and place.exists() else None

    def data(self, words: str = "", split_seed: int = 0) -> Data:
        """The data, anew."""
        try:
            return make.data(words or self.words, split_seed)
        except RequestError as error:
            if not words and self.words == self.registered:
                raise Skipped(NO_PATH) from error
            raise

    def read(self, split: Split, *, seed: int = 0, data: Data | None = None) -> Records:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return (self.data() if data is None else data).read(split, seed=seed)

    @cached_property
    def train(self) -> Records:
        return self.read("train")

    @cached_property
    def test(self) -> Records:
        return self.read("test")

    @property
    def both(self) -> dict[str, Records]:
        return {"train": self.train, "test": self.test}


def places(records: Records, most: int = SEEN) -> list[int]:
    """Places spread evenly over all records."""
    count = len(records)
    return sorted({i * (count - 1) // max(1, min(most, count) - 1) for i in range(min(most, count))})
