"""Training data of one kind and test data of another: a model is fitted here and measured there."""

from __future__ import annotations

from zoo.data.records import Data, Records, Split, check_split


class Apart(Data):
    """Two data under one name, ``folder:photos -> multi:views``: training pairs of the first, test pairs of the second.

    What the test split of the first and the training split of the second hold is not looked at. Where the two hold some of
    the same pictures, nothing here knows it.
    """

    kind = ""

    def __init__(self, train: Data, test: Data) -> None:
        super().__init__(f"{train} -> {test}")
        self.parts: dict[Split, Data] = {"train": train, "test": test}

    def __str__(self) -> str:
        return self.path

    @property
    def skipped(self) -> dict[str, str]:  # the parts note it themselves
        return self.parts["train"].skipped | self.parts["test"].skipped

    def read(self, split: Split, *, seed: int = 0) -> Records:
        """The records of one split, from the part that it belongs to; raises as that does."""
        return self.parts[check_split(split)].read(split, seed=seed)
