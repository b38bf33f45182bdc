"""The content of a ``registry.toml`` and of the file of a suite."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from msgspec import Meta, field

from zoo.hub.source import parse
from zoo.saving.strict import Count, Number, Schema, Strict
from zoo.utils.errors import RequestError

Word = Annotated[str, Meta(min_length=1, description="a name")]
CheckpointName = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)+\Z", description="a name is family/task, in lower case")
]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{64}\Z", description="64 hexadecimal digits")]
Setting = Annotated[
    str | int | Number | bool | list[Any],
    Meta(description='a plain value: write "MODEL.NAME" = VALUE or "training.NAME" = VALUE, with the quotes'),
]


class CheckpointTable(Strict, frozen=True):
    """One ``[checkpoints."family/task"]``; ``licence``, ``data``, ``made_by``, ``why`` and ``note`` are for the reader."""

    model: str
    task: str
    source: str  # package:DIR, hf:ORG/REPO@REVISION or dir:PATH
    sha256: Digest  # of its model.safetensors
    licence: str = ""
    data: str = ""
    made_by: str = ""
    scores: dict[str, Number] = field(default_factory=dict)
    recommended: bool = False  # whether the name of its task alone means it
    why: str = ""  # in what its model does better than others, where it is recommended
    note: str = ""  # where it serves for something else than sampling: for what, and why
    size: Annotated[int, Meta(ge=0, description="a whole number, at least 0")] = 0  # in bytes of its weights; 0: unsaid

    def __post_init__(self) -> None:
        kind, _, rest = self.source.partition(":")
        right = bool(rest) and kind in ("package", "dir")
        if kind == "package":
            right = right and not PurePosixPath(rest).is_absolute() and ".." not in PurePosixPath(rest).parts
        elif kind == "hf":
            with contextlib.suppress(RequestError):
                right = parse(rest).revision is not None
        if not right:
            raise ValueError(f"source is {self.source!r}; it must be package:DIR, dir:PATH or hf:ORG/REPO@REVISION")


class Checkpoint(CheckpointTable, frozen=True, kw_only=True):
    """One registered checkpoint, the distribution that brought it (or ``the user``), and the file it stands in."""

    name: str
    owner: str
    file: Path


class RegistryFile(Strict, frozen=True):
    """A whole ``registry.toml``."""

    moved = dict.fromkeys(
        ("suites", "published"),
        "suites and published numbers stand in files of their own now: suites/NAME.toml beside the user's registry.toml; of a "
        "plugin NAME.toml in the package that its entry point NAME under zoo.suites names",
    )

    schema: Schema
    checkpoints: dict[CheckpointName, CheckpointTable] = field(default_factory=dict)


class Published(Strict, frozen=True):
    """One model's numbers in one table of a paper; ``metrics`` in this project's own names and units."""

    paper: str
    source: str
    data: str
    task: str
    model: str
    n: int
    metrics: dict[str, Number]


class Scatter(Strict, frozen=True):
    """The metrics that a scatter plot has across and up; without ``@K``, at the largest K."""

    x: Word
    y: Word


class Quick(Strict, frozen=True):
    """The changes of the quick form of a suite; None for what it leaves."""

    seeds: Count | None = None
    n: Count | None = None
    items: Count | None = None
    settings: dict[str, Setting] = field(default_factory=dict)


class SuiteTable(Strict, frozen=True):
    """A whole file of a suite, a named set of runs that makes one table."""

    schema: Schema
    title: str
    models: tuple[Word, ...] = ()  # in the order of the rows; empty where they have to be named
    tasks: dict[str, tuple[Word, ...]] = field(default_factory=dict)  # the kinds of data that each applies to; () for all
    metrics: tuple[Word, ...] = ()  # the columns of the table, NAME or NAME@K; empty for all that are registered
    data: str = ""  # where none is named; "" for each task's own
    seeds: Count = 1
    n: Count = 100  # samples an item
    items: Count | None = None  # test items that are scored, at most
    scatter: Scatter | None = None
    settings: dict[str, Setting] = field(default_factory=dict)  # KEY of models, MODEL.KEY, task.KEY, TASK.KEY, training.KEY
    quick: Quick = Quick()
    published: tuple[Published, ...] = ()

    def __post_init__(self) -> None:
        kinds = {f"tasks {task!r}": words for task, words in self.tasks.items()}
        for key, words in {"models": self.models, "metrics": self.metrics, **kinds}.items():
            if twice := sorted({word for word in words if words.count(word) > 1}):
                raise ValueError(f"{key} has {twice[0]!r} twice")


class Suite(SuiteTable, frozen=True, kw_only=True):
    """A suite, with its owner and file as a checkpoint has them."""

    name: str
    owner: str
    file: Path

    @property
    def measured(self) -> tuple[str, ...] | None:
        """The entry-point names of the metrics in the columns; None for all that are registered."""
        return tuple(dict.fromkeys(column.partition("@")[0] for column in self.metrics)) or None
