"""Kinds of data with one fault each."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import warnings
from pathlib import Path

import numpy as np
import torch
from planted_right import fault, first, hidden_state, then

from zoo import Annotation, Attributes, Data, Records, RequestError, check_split, user_path

SIDE = 16


class RightRecords(Records):
    """Pictures of one colour each, of files that hold the level."""

    def __init__(self, files):
        self.files, self.names = files, [file.stem for file in files]
        self.contents = [file.read_bytes() for file in files]
        self.ids = [hashlib.sha256(content).digest() for content in self.contents]
        self.digest = hashlib.sha256(b"".join(self.ids)).hexdigest()
        self.groups = [f"group of {name}" for name in self.names]
        self.categories = ["dark", "light"]
        box = np.array([[0, 0, 1, 1]], np.float32)
        self.annotations = [Annotation(box, np.array([self.level(i) // 128])) for i in range(len(files))]
        self.attributes = Attributes.classes(self.categories, np.array([self.level(i) // 128 for i in range(len(files))]))
        self.x = np.arange(len(files), dtype=np.float32)[:, None]

    def level(self, index):
        return int(self.contents[index][:3])

    def array(self, name):
        return self.x if name == "x" else None

    def image(self, index):
        return np.full((SIDE, SIDE + index, 3), self.level(index), np.uint8)


class RightData(Data):
    """A folder of text files with a number each: ``train`` and ``test`` lie apart."""

    kind = "right-data"
    records = RightRecords

    @classmethod
    def example(cls, folder):
        for split, levels in (("train", (10, 20, 130, 140)), ("test", (30, 150, 160))):
            for level in levels:
                (folder / f"{split}-{level:03}.txt").write_text(f"{level:03} is the level")
        return str(folder)

    def read(self, split, *, seed=0):
        files = sorted(Path(user_path(self.path)).glob(f"{check_split(split)}-*.txt"))
        bad = {file.name: "it is cut" for file in files if not file.read_text().endswith("level")}
        self.skip(bad, len(files), "files")
        files = [file for file in files if file.name not in bad]
        if not files:
            raise RequestError(f"{self}: there is nothing for the split {split}")
        return self.records(files)


READ = RightData.read


def plant(name, *checks, **members):
    fault(RightData, f"data-{name}", *checks, **{"kind": f"data-{name}", **members})


class Loose:
    """What records have, and no zoo.Records."""

    def __init__(self, records):
        self.own = records

    def __len__(self):
        return len(self.own)

    def __getattr__(self, name):
        return getattr(self.own, name)


def changed(change):
    """A ``read`` whose records are changed by a function of them and the split."""

    def read(records, self, split, *, seed=0):
        change(records, split)
        return records

    return then(READ, read)


def of_records(**members):
    """A ``records`` that differs in these members."""
    return type("Changed", (RightRecords,), members)


plant("other-kind", "its_kind_is_its_name", kind="right-data")
plant("loose", "both_splits_have_items", read=lambda self, split, *, seed=0: Loose(READ(self, split)))
plant("alike-names", "every_item_has_a_name_of_its_own", read=changed(lambda r, s: setattr(r, "names", ["a"] * len(r.names))))
plant("short-digest", "records_have_a_digest", read=changed(lambda r, s: setattr(r, "digest", r.digest[:40])))
plant("short-ids", "ids_name_the_content", read=changed(lambda r, s: setattr(r, "ids", [one[:8] for one in r.ids])))
plant(
    "any-split",
    "an_unknown_split_is_refused",
    read=lambda self, split, *, seed=0: READ(self, "test" if split != "train" else split),
)
plant("by-seed", "the_seed_of_a_run_moves_no_item", read=lambda self, split, *, seed=0: by_seed(self, split, seed))
plant("by-chance", "the_same_items_are_read_again", read=changed(lambda r, s: by_chance(r)))
plant("leaking", "no_test_item_is_a_training_item", read=changed(lambda r, s: setattr(r, "groups", ["all"] * len(r))))
plant("stirring", "reading_leaves_the_global_state_alone", read=first(READ, lambda *given, **known: torch.rand(())))
plant("calling-home", "small_data_needs_no_network", read=first(READ, lambda *given, **known: call_home()))
plant("credulous", "a_broken_file_is_counted_or_refused", read=lambda self, split, *, seed=0: credulous(self, split))
plant("anywhere", "a_path_that_is_not_there_is_refused", read=lambda self, split, *, seed=0: anywhere(self, split, seed))
plant("grey", "images_are_photos", records=of_records(image=lambda self, i: RightRecords.image(self, i)[..., 0]))
plant(
    "restless",
    "an_image_is_the_same_every_time",
    "map_takes_every_image",
    records=of_records(image=lambda self, i: restless(self, i)),
)
plant("hoarding", "images_are_not_kept", records=of_records(image=lambda self, i: hoarding(self, i)))
plant("mapping-one", "map_takes_every_image", records=of_records(map=lambda self, f, key: mapping_one(self, f)))
plant(
    "loud-words",
    "attributes_are_shares_of_words",
    read=changed(lambda r, s: setattr(r, "attributes", Attributes(("a,b", "c"), r.attributes.values))),
)
plant("few-boxes", "annotations_are_one_an_item", read=changed(lambda r, s: r.annotations.pop()))
plant("few-groups", "groups_are_one_an_item", read=changed(lambda r, s: r.groups.pop()))
plant("nan-array", "arrays_have_a_row_an_item", read=changed(lambda r, s: setattr(r, "x", r.x * np.nan)))


def any_split(data, split):
    return READ(data, "train" if split == "train" else "test")


def by_seed(data, split, seed):
    records = READ(data, split)
    if seed:
        records.digest = hashlib.sha256(f"{records.digest} {seed}".encode()).hexdigest()
    return records


def by_chance(records):
    records.names = [f"{name} {hidden_state(lambda: torch.rand(()))}" for name in records.names]


def call_home():
    with socket.socket() as connection, contextlib.suppress(OSError):
        connection.settimeout(0.1)
        connection.connect(("127.0.0.1", 9))


def credulous(data, split):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        records = READ(data, split)
    data.skipped.clear()
    return records


def anywhere(data, split, seed):
    if not Path(data.path).exists():
        data = type(data)(example_folder())
    return READ(data, split, seed=seed)


def example_folder():
    import tempfile

    return RightData.example(Path(tempfile.mkdtemp()))


def restless(records, index):
    records.asked = getattr(records, "asked", 0) + 1
    return RightRecords.image(records, index) // (1 + records.asked % 2)


_HOARD = []


def hoarding(records, index):
    image = np.zeros((1 << 10, 1 << 9, 3), np.uint8) + np.uint8(records.level(index))
    _HOARD.append(image)
    return image


def mapping_one(records, function):
    fields = function(records.image(0))
    return {name: np.stack([value] * len(records)) for name, value in fields.items()}
