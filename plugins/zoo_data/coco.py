"""``coco:DIR``: MS-COCO in its official layout, and data of others in its format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo import Annotation, RequestError, Split
from zoo_data.folder import Photo, PhotoRecords, file_names, photos_in
from zoo_data.instances import Key, Listed, read_categories, read_instances
from zoo_data.kinds import FolderData, first_of
from zoo_data.layouts import Listing, holds, seek, split_folder, still_packed
from zoo_data.turned import on_its_side, turned

_PARTS: dict[Split, tuple[str, ...]] = {"train": ("train",), "test": ("val", "valid", "validation", "test")}
_ENOUGH = 50
"""Listed files that are looked for in a folder before it is taken."""


class Coco(FolderData):
    """MS-COCO (Lin et al. 2014): ``annotations/instances_{train,val}2017.json``, ``train2017/``, ``val2017/``; or 2014.

    The list may lie elsewhere, up to three folders deep, and have a name without a year, ``train.json`` or
    ``_annotations.coco.json`` in the folder of the split; the images may lie in ``images/train2017/``, in ``train/`` or beside
    the list. The split ``test`` is COCO's ``val``: its own test set has no annotations.

    Labels count the categories of both splits by ascending id. Boxes are cut to the image; those with nothing inside it,
    crowds, and entries that cannot be used are left out. An image without objects stays, with an empty annotation. Items
    are by ascending id, and the seed changes nothing.

    Where EXIF turns a photo, width and height in the list say which way its boxes were drawn, on the pixels that are stored
    or on the photo as it is shown; where they do not tell, as most of the others were, or else on those that are stored.
    """

    kind = "coco"
    layout = "DIR has annotations/instances_{train,val}2017.json, train2017/ and val2017/, or those of 2014"

    def records(self, root: Path, split: Split, seed: int) -> PhotoRecords:
        file = self._list(root, split)
        instances = read_instances(file)
        categories = instances.categories
        if other := self._listed(root, "test" if split == "train" else "train"):
            categories = _together(categories, read_categories(other), f"{file.name} and {other.name}")
        folder, listing = self._images(root, split, file, instances.images)
        wanted: dict[str, Listed] = {}
        missing = dict(instances.bad_images)
        for image in instances.images:
            found = listing.find(image.name)
            if found is None or found in wanted:
                missing[image.name] = "there is no such file" if found is None else "another image of the list is this file"
            else:
                wanted[found] = image
        if not wanted:
            first = instances.images[0].name
            raise RequestError(f"{folder} has no readable image of {file.name}: that names {first}, it holds {holds(folder)}")
        self.skip(missing, len(instances.images) + len(instances.bad_images), "listed images", self.below(file))
        photos = photos_in(self, folder, list(wanted))
        drawn, odd = _drawn(photos, wanted)
        if len(odd) == len(photos):
            raise RequestError(f"{self} has no image of the size that {file.name} says: {next(iter(odd.values()))}")
        self.skip(odd, len(photos), "images", self.below(folder))
        photos = [photo for photo in photos if photo.name not in odd]
        annotations, outside = _annotations(photos, wanted, drawn, list(categories))
        bad = instances.bad_objects | outside
        self.skip(bad, instances.objects, "objects", self.below(file))
        return PhotoRecords(photos, annotations, list(categories.values()))

    def _list(self, root: Path, split: Split) -> Path:
        """The file that lists the images of a split; a RequestError where there is none."""
        file = self._listed(root, split)
        if file is None:
            name = f"annotations/instances_{_PARTS[split][0]}2017.json"
            raise self.wrong(f"there is no {name} (DIR holds {holds(root)}{still_packed(root, 'annotations_trainval2017')})")
        return file

    def _listed(self, root: Path, split: Split) -> Path | None:
        patterns = [
            rf"{before}{part}{year}{after}\.json"
            for part in _PARTS[split]
            for before in ("instances[-_]", "")
            for year in ("2017", "2014", "(?:20[0-9]{2})?")
            for after in ("", r"(?:[-_.](?:annotations?|coco|instances))+")
        ]
        file = first_of(root, *(f"annotations/instances_{_PARTS[split][0]}{year}.json" for year in (2017, 2014)))
        file = file or seek(root, *patterns)
        if file is None and (own := split_folder(root, split)):
            file = seek(
                own, r"_annotations\.coco\.json", r"(?:annotations?|labels|coco|instances)(?:[-_.]\w+)?\.json", depth=1
            )
        return file

    def _images(self, root: Path, split: Split, file: Path, images: list[Listed]) -> tuple[Path, Listing]:
        """The folder of the images of a list, and what is in it: the first likely one that has some of them."""
        stem = file.stem.removeprefix("instances_").removeprefix("instances-")
        above = [place for place in (file.parent, file.parent.parent) if place.is_relative_to(root)]
        places = [place / inner for place in (root, *above) for inner in ("", "images", "data")]
        named = [place / stem for place in places] + [split_folder(place, split) for place in places]
        there = [place for place in dict.fromkeys((*named, *places)) if place is not None and place.is_dir()]
        for place in there:
            listing = Listing(file_names(place))
            if any(listing.find(image.name) for image in images[:_ENOUGH]):
                return place, listing
        if there[0] in places:
            raise self.wrong(f"there is no folder {stem}/ beside annotations/")
        return there[0], Listing([])


def _together(own: dict[Key, str], other: dict[Key, str], lists: str) -> dict[Key, str]:
    """The categories of both splits, so that a label means the same in each; a RequestError where an id means two things."""
    odd = next((key for key in own if other.get(key, own[key]) != own[key]), None)
    if odd is not None:
        raise RequestError(f"{lists} name one category {own[odd]} and {other[odd]}; an id must mean the same in both")
    return dict(sorted((own | other).items()))


def _drawn(photos: list[Photo], wanted: dict[str, Listed]) -> tuple[dict[str, bool], dict[str, str]]:
    """Whether the boxes of each photo were drawn on the pixels that are stored; and the photos whose sizes do not fit."""
    stored: dict[str, bool] = {}
    open_: list[str] = []
    odd = {}
    for photo in photos:
        width, height, turn = photo.frame
        size = wanted[photo.name].size
        across = on_its_side((width, height), size) if width else None
        if turn <= 4 and across:
            odd[photo.name] = f"the list says {size[0]:g} x {size[1]:g} pixels, and the file has {width} x {height}"
        elif turn >= 5 and across is not None:
            stored[photo.name] = not across
        else:
            open_.append(photo.name)
    votes = list(stored.values())
    default = 2 * sum(votes) >= len(votes)
    return stored | dict.fromkeys(open_, default), odd


def _annotations(
    photos: list[Photo], wanted: dict[str, Listed], drawn: dict[str, bool], categories: list[Key]
) -> tuple[list[Annotation], dict[str, str]]:
    """The objects of each photo, in shares of it as it is shown; and those that lie outside."""
    label = {key: i for i, key in enumerate(categories)}
    annotations, outside = [], {}
    for photo in photos:
        listed = wanted[photo.name]
        boxes = np.array([box for _, box in listed.objects], np.float64).reshape(-1, 4)
        labels = np.array([label[key] for key, _ in listed.objects], np.int64)
        whole = np.array(listed.size)
        start, end = np.clip(boxes[:, :2] / whole, 0, 1), np.clip((boxes[:, :2] + boxes[:, 2:]) / whole, 0, 1)
        inside = (end > start).all(1)
        for number in np.flatnonzero(~inside):
            outside[f"{photo.name}, object {number}"] = "its box lies outside the image"
        shares = np.concatenate([start, end - start], 1)
        if drawn[photo.name] and photo.frame[2] > 1:
            shares = turned(shares, photo.frame[2])
        annotations.append(Annotation(shares[inside].astype(np.float32), labels[inside]))
    return annotations, outside
