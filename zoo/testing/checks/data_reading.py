"""Checks of how data is named, read and split."""

from __future__ import annotations

import re
import shutil
import socket
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from zoo.contracts import make
from zoo.data.records import Records
from zoo.testing.subjects.data import NO_PATH, DataSubject, places
from zoo.testing.verdicts import Broken, Skipped, may_skip, refused, require, same_defaults, silent, twice, untouched
from zoo.utils.errors import RequestError
from zoo.utils.files import read_bytes

NO_FILES = "what it reads is no small folder or file"
MADE_HERE = "its items are made here, of the seed"
MOST = 1 << 26
"""Bytes of files that are copied to be broken, at most."""


class Reading(DataSubject):
    skips = (NO_PATH,)

    def its_kind_is_its_name(self) -> None:
        """``kind`` is the name under which it is registered, and ``str`` of it is NAME or NAME:PATH, which make it again."""
        require(self.cls.kind == self.registered, f"its kind is {self.cls.kind!r}, and its name {self.registered!r}")
        words = str(self.data())
        require(
            words.partition(":")[0] == self.registered, f"it is called {words!r}; that must begin with {self.registered!r}"
        )
        again = self.data(words)
        require(str(again) == words, f"it is called {words!r}, and what is made of that {str(again)!r}")
        same = self.read("test", data=again).digest == self.test.digest
        require(same, f"what is made of {words!r}, its name, has other items")

    @may_skip()
    def a_path_that_is_not_there_is_refused(self) -> None:
        """A path that leads nowhere is refused with a RequestError, when the data is made or when it is read."""
        words = f"{self.registered}:/no/such/folder/of-data"
        refused(f"the path of {words}", lambda: self.read("train", data=make.data(words)))

    def both_splits_have_items(self) -> None:
        """``read`` gives zoo.Records of ``train`` and of ``test``, with at least one item each."""
        for split, records in self.both.items():
            require(isinstance(records, Records), f"read({split!r}) gives a {type(records).__name__}; it must be zoo.Records")
            require(len(records) > 0, f"the split {split} has no items; say so with a RequestError")

    def an_unknown_split_is_refused(self) -> None:
        """A split that is neither train nor test is refused with a RequestError: ``zoo.check_split``."""
        data = self.data()
        refused("the split 'dev'", lambda: self.read("dev", data=data))  # type: ignore[arg-type]

    def every_item_has_a_name_of_its_own(self) -> None:
        """``names`` has one readable line for each item, and no two test items have the same."""
        for split, records in self.both.items():
            names = list(records.names)
            require(len(names) == len(records), f"{len(names)} names of {len(records)} items in {split}")
            good = all(isinstance(name, str) and name.strip() and "\n" not in name for name in names)
            require(good, f"a name in {split} is no line of text")
        names = list(self.test.names)
        again = next((name for name, count in Counter(names).items() if count > 1), None)
        require(again is None, f"two test items are called {again!r}: a report would show one for the other")

    def records_have_a_digest(self) -> None:
        """``digest`` is a sha256 in hexadecimal, and another one for each split."""
        for split, records in self.both.items():
            good = isinstance(records.digest, str) and re.fullmatch("[0-9a-f]{64}", records.digest)
            require(good, f"the digest of {split} is {records.digest!r}; it must be a sha256 in hexadecimal")
        require(self.train.digest != self.test.digest, "both splits have the same digest")

    def ids_name_the_content(self) -> None:
        """``ids`` has 32 bytes for each item, by which what is computed of it is kept."""
        for split, records in self.both.items():
            ids = list(records.ids)
            good = len(ids) == len(records) and all(isinstance(one, bytes) and len(one) == 32 for one in ids)
            require(good, f"the ids of {split} are not 32 bytes an item")

    def the_same_items_are_read_again(self) -> None:
        """Two readings give the same names, digests and ids, whatever the global random state is."""
        for split in ("train", "test"):
            one, other = twice(lambda split=split: self.read(split))  # type: ignore[misc]
            for part in ("digest", "names", "ids"):
                first, second = (getattr(records, part) for records in (one, other))
                same = first == second if isinstance(first, str) else list(first) == list(second)
                require(same, f"{part} of {split} differs between two readings of one seed")

    @may_skip(NO_PATH, MADE_HERE)
    def the_seed_of_a_run_moves_no_item(self) -> None:
        """Items of files are the same for every seed, each on its side; ``split_seed`` alone may choose others for testing."""
        self.data()
        if self.place is None:
            raise Skipped(MADE_HERE)
        for split, records in self.both.items():
            other = self.read(split, seed=1)  # type: ignore[arg-type]
            require(
                other.digest == records.digest, f"another seed gives another {split}: split by data.split_seed, not by seed"
            )

    def no_test_item_is_a_training_item(self) -> None:
        """No item of the test split is among the training items by its id, and no group is in both."""
        shared = {*self.train.ids} & {*self.test.ids}
        require(not shared, f"{len(shared)} items are in both splits")
        groups = {*self.train.groups} & {*self.test.groups}
        require(not groups, f"the group {next(iter(groups), '')!r} is in both splits")

    def reading_leaves_the_global_state_alone(self) -> None:
        """The random states and torch's defaults are after reading what they were before, and nothing is printed."""
        with untouched("reading"), same_defaults("reading"), silent("reading"):
            records = self.read("test")
            see(records, 0)

    def small_data_needs_no_network(self) -> None:
        """Its example, or what is read without any path, opens no connection."""

        def refuse(connection: socket.socket, address: Any) -> None:
            raise Broken(f"reading opened a connection to {address}")

        if self.path:
            return
        with patch.object(socket.socket, "connect", refuse):
            self.read("train")

    @may_skip(NO_PATH, NO_FILES)
    def a_broken_file_is_counted_or_refused(self) -> None:
        """A file that is cut in half is left out, named in ``skipped`` and warned of, or refused with a RequestError."""
        self.data()
        place = self.place
        if place is None or sum(file.stat().st_size for file in _files(place)) > MOST:
            raise Skipped(NO_FILES)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            copy = Path(folder) / place.name
            (shutil.copytree if place.is_dir() else shutil.copy)(place, copy)
            broken = max(_files(copy), key=lambda file: (file.stat().st_size, str(file)))
            broken.write_bytes(read_bytes(broken, MOST)[: broken.stat().st_size // 2])
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    data = self.data(f"{self.registered}:{copy}")
                    parts = [data.read(split) for split in ("train", "test")]
                    for records in parts:
                        for index in places(records):
                            see(records, index)
                except RequestError:
                    return
                except Exception as error:
                    raise Broken(f"with {broken.name} cut in half it raised {type(error).__name__}: {error}") from error
            require(data.skipped, f"{broken.name} was cut in half, and is not in skipped: data.skip notes it")
            require(caught, f"{broken.name} was cut in half and left out without a warning: data.skip warns")


def see(records: Records, index: int) -> Any:
    """The picture of an item; None where the data shows none."""
    try:
        return records.image(index)
    except RequestError:
        return None


def _files(place: Path) -> Iterator[Path]:
    return (file for file in ([place] if place.is_file() else place.rglob("*")) if file.is_file())
