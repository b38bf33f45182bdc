"""``hf:ORG/DATASET``: a data set of the Hugging Face Hub, or a folder of one on disk, read by the package ``datasets``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from zoo import Records, RequestError, border, nearest, one_line, table_records, user_path
from zoo_data.kinds import SplitData

ROLES = ("image", "label", "source", "x", "y")
OPTIONS = ("config", "train", "test", *ROLES)
TEST = ("test", "validation", "valid", "val")
"""What the split for testing may be called, the first that is there."""
_REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?")


class Hub(SplitData):
    """A data set of the Hugging Face Hub, ``hf:ORG/DATASET@REVISION``, or a folder of one; needs the extra ``datasets``.

    Without a revision it is the newest, and the name of the data has which one that is, so that the same run can be asked
    for again. A folder is what ``save_to_disk`` of ``datasets`` has written, or what its ``load_dataset`` takes: Parquet,
    CSV, JSON, or pictures in folders of their classes. No code of a data set is run.

    The column of pictures and the class labels are found, or named: ``hf:ORG/DATASET?image=photo&label=kind``. ``source`` is
    a second column of pictures, from which those of ``image`` are to be made; ``x`` and ``y`` are columns of numbers.
    ``config`` names one of several data sets in a repository, ``train`` and ``test`` the splits, by default ``train`` and
    ``test`` or else ``validation``. Where there is only one, about one item in ten is held out for testing, by its content.
    Rows whose picture cannot be read are left out, named and counted.
    """

    kind = "hf"
    layout = (
        "ORG/DATASET is one of the Hub; or DIR has Parquet, CSV or JSON, such as DIR/train.parquet, pictures in folders of "
        "their classes, such as DIR/train/cat/1.jpg, or what save_to_disk wrote"
    )

    def __init__(self, path: str = "") -> None:
        place, _, options = path.partition("?")
        if not place:
            raise RequestError("hf needs a data set: write hf:ORG/DATASET, hf:ORG/DATASET@REVISION or hf:DIR")
        self.options: dict[str, str] = {}
        for option in filter(None, options.split("&")):
            name, _, value = option.partition("=")
            if name not in OPTIONS or not value:
                raise RequestError(f"hf has no option {one_line(option)!r}: write NAME=VALUE; {nearest(name, OPTIONS)}")
            self.options[name] = value
        self.folder, self.repository, self.revision = user_path(place), "", ""
        if not self.folder.is_dir():
            self.repository, _, self.revision = place.partition("@")
            if not _REPOSITORY.fullmatch(self.repository):
                raise RequestError(f"hf:{place}: there is no such folder, and ORG/DATASET it is not")
            self.revision = _pinned(self.repository, self.revision)
            place = f"{self.repository}@{self.revision}" if self.revision else self.repository
        super().__init__(place + (f"?{options}" if options else ""))

    def parts(self) -> Mapping[str, Records]:
        tables = self._tables()
        train, test = self.options.get("train", "train"), self.options.get("test", "")
        test = test or next((name for name in TEST if name in tables), "")
        if train not in tables and "train" not in self.options and len(tables) == 1:
            train = next(iter(tables))
        for word, name in (("train", train), ("test", test)):
            if name and name not in tables:
                raise RequestError(f"it has no split {name!r}, but {', '.join(tables)}; say {word}=SPLIT")
        found = {"train": self._records(tables[train], train)}
        if test and test != train:
            found["test"] = self._records(tables[test], test)
        return found

    def _records(self, table: Any, split: str) -> Records:
        columns = {role: self.options[role] for role in ROLES if role in self.options}
        return table_records(table, columns, lambda bad, of: self.skip(bad, of, "rows", split))

    def _tables(self) -> Mapping[str, Any]:
        try:
            import datasets
        except ImportError:
            raise RequestError("reading it needs the package datasets: pip install 'cond-zoo[datasets]'") from None
        config = self.options.get("config")
        if self.repository:
            found = datasets.load_dataset(self.repository, config, revision=self.revision or None)
        elif any((self.folder / name).is_file() for name in ("state.json", "dataset_dict.json")):
            found = datasets.load_from_disk(str(self.folder))
        else:
            try:
                found = datasets.load_dataset(str(self.folder), config)
            except FileNotFoundError as error:
                raise RequestError(f"{self}: {one_line(error)}; {self.layout}") from error
        return found if isinstance(found, Mapping) else {"train": found}


@cache
def _pinned(repository: str, revision: str) -> str:
    """The commit of a revision of a data set on the Hub; as it is where it is one, or where the Hub is not to be asked."""
    from huggingface_hub import HfApi, constants

    if re.fullmatch("[0-9a-f]{40}", revision) or constants.HF_HUB_OFFLINE:
        return revision
    with border(f"cannot find hf:{repository}", RequestError):
        return str(HfApi().dataset_info(repository, revision=revision or None).sha)
