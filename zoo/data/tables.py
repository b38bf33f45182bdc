"""Records of the rows of a ``Dataset`` of the package ``datasets``: pictures with what is said of them, pairs, or numbers."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.cache import on_all_cores
from zoo.data.columns import ArrayRecords, classes_of
from zoo.data.fetched import Fetch, FetchedRecords
from zoo.data.items import Image
from zoo.data.pictures import decode_image, image_bytes
from zoo.data.records import Records
from zoo.utils.bounds import afford
from zoo.utils.errors import RequestError, border, cause, nearest
from zoo.utils.progress import progress

ROLES = ("image", "label", "source", "x", "y")
"""What a column may be: the picture, its class, the picture that it is to be made from, or numbers x and y."""
IMAGES, LABELS = ("image", "img", "picture", "photo"), ("label", "labels", "class", "fine_label")
LeftOut = Callable[[dict[str, str], int], object]


def table_records(table: Any, columns: Mapping[str, str] | None = None, left_out: LeftOut = lambda bad, of: None) -> Records:
    """The records of the rows of a table.

    Args:
        table: a ``datasets.Dataset``.
        columns: by role (:data:`ROLES`), the columns that are meant. Those that are not named are found: the column of
            pictures (of several, the one called ``image`` or ``img``), the class labels (else whole numbers called ``label``),
            and without any pictures the columns ``x`` and ``y``.
        left_out: is told of rows whose picture cannot be read, by name with the reason, and of how many rows they are.

    Raises:
        RequestError: a column is not there or not of that kind, or it is not plain which is meant; there are no rows.

    Examples:
        >>> class Rows(list):
        ...     features = {"x": "numbers", "y": "numbers"}
        >>> table_records(Rows())
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: it has no rows
    """
    asked, features = dict(columns or {}), dict(table.features)
    for role, column in asked.items():
        if column not in features:
            raise RequestError(f"there is no column {column!r} ({role}): {nearest(column, features)}")
    if not len(table):
        raise RequestError("it has no rows")
    kinds = {name: type(feature).__name__ for name, feature in features.items()}
    pictures = [name for name, kind in kinds.items() if kind == "Image"]
    if {"x", "y"} & asked.keys() or (not pictures and {"x", "y"} <= features.keys()):
        names = asked.get("x", "x"), asked.get("y", "y")
        if all(kinds.get(name) == "Image" for name in names):
            return _pictures(table, names[1], "", names[0], left_out)
        return ArrayRecords(*(_numbers(table, name) for name in names))
    for role in ("image", "source"):
        if role in asked and asked[role] not in pictures:
            raise RequestError(f"the column {asked[role]!r} ({role}) is of {kinds[asked[role]]}, no pictures")
    if not pictures:
        told = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
        raise RequestError(f"no column has pictures, and none are called x and y; say x=COLUMN and y=COLUMN of {told}")
    image = asked.get("image") or next((name for name in IMAGES if name in pictures), "")
    if not image:
        others = [name for name in pictures if name != asked.get("source")]
        if len(others) != 1:
            raise RequestError(f"several columns have pictures; say image=COLUMN: {', '.join(others)}")
        image = others[0]
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
    label = asked.get("label") or next((name for name in LABELS if name in labels), labels[0] if labels else "")
    if not label and "label" in features and str(getattr(features["label"], "dtype", "")).startswith(("int", "uint")):
        label = "label"
    return _pictures(table, image, label, asked.get("source", ""), left_out, "label" in asked)


def _numbers(table: Any, column: str) -> NDArray[Any]:
    with border(f"the column {column!r} cannot be used", RequestError):
        afford(8.0 * (table.dataset_size or 0), f"the column {column!r}", "take fewer rows")
        values = np.asarray(table.select_columns([column]).with_format("numpy")[:][column])
        if values.dtype.kind not in "buif":
            raise ValueError("its rows are no numbers of one shape")
    return values


def _pictures(table: Any, image: str, label: str, source: str, left_out: LeftOut, named: bool = False) -> Records:
    import datasets

    guard, columns = threading.Lock(), [name for name in (image, source) if name]
    stored = table.with_format(None).select_columns(columns)
    for name in columns:
        stored = stored.cast_column(name, datasets.Image(decode=False))

    def content(index: int, column: str) -> bytes:
        with guard:
            found = stored[index][column] or {}
        data = found.get("bytes")
        if data is None and found.get("path"):
            data = image_bytes(Path(found["path"]))
        return data or b""

    def judge(index: int) -> tuple[bytes, str]:
        try:
            parts = [content(index, column) for column in columns]
            for part in parts:
                decode_image(part, draft=True)
        except Exception as error:
            return b"", cause(error)
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest(), ""

    def fetched(column: str) -> Fetch:
        def fetch(place: int) -> Image:
            with border(f"the picture of row {good[place]} cannot be read any more"):
                return decode_image(content(good[place], column))

        return fetch

    with progress(len(table), "reading pictures", show=len(table) >= 1000) as bar:
        judged = list(on_all_cores(judge, range(len(table)), bar))
    width = len(str(len(table) - 1))
    good = [i for i, (_, reason) in enumerate(judged) if not reason]
    bad = {f"row {i:0{width}d}": reason for i, (_, reason) in enumerate(judged) if reason}
    if not good:
        name, reason = next(iter(bad.items()))
        raise RequestError(f"no picture in the column {image!r} can be read: {name} ({reason})")
    left_out(bad, len(table))
    said = None
    if label:
        values = np.asarray(table.with_format(None).select_columns([label])[:][label])[good]
        names = getattr(table.features[label], "names", None) or []
        wrong = values if values.dtype.kind not in "iu" else values[values < 0]
        if wrong.size and named:
            raise RequestError(
                f"the column {label!r} (label) has rows that are no class: {wrong[:1]}; name another, label=COLUMN"
            )
        if wrong.size:  # as where the labels for testing are kept secret: photos they are all the same
            warnings.warn(f"the column {label!r} is left aside: it has rows that are no class, {wrong[:1]}", stacklevel=4)
        else:
            said = classes_of(values, names)
    return FetchedRecords(
        fetched(image),
        [judged[i][0] for i in good],
        names=[f"{i:0{width}d}" for i in good],
        attributes=said,
        source=fetched(source) if source else None,
    )
