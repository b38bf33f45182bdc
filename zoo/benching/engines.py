"""Engines, which do the cells of a bench, and shards, of which one job does one: the words for both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from zoo.benching.cells import Cell
from zoo.utils.bounds import whole
from zoo.utils.errors import RequestError, shown

LOCAL, DASK = "local", "dask"
SHARDS, MOST_SHARDS = "shards", 100_000
"""The folder of shards in that of their bench; how many there are, at most."""


class Engine(Protocol):
    """Whatever does cells: the processes of this machine, or a cluster."""

    def do(self, cells: Sequence[Cell]) -> Iterator[Cell]:
        """Do the cells, in any order; gives each when it has ended, with its result in its folder and loaded, or failed."""
        ...


def engine_words(text: object) -> tuple[str, str]:
    """``local``, or ``dask:ADDRESS``, in two parts; anything else is refused (RequestError).

    Examples:
        >>> engine_words("dask:tcp://10.0.0.1:8786")
        ('dask', 'tcp://10.0.0.1:8786')
        >>> engine_words("slurm")
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: engine is 'slurm'; it must be local, or dask:ADDRESS with a scheduler's address or file
    """
    kind, _, address = text.partition(":") if isinstance(text, str) else ("", "", "")
    if (kind == LOCAL and not address) or (kind == DASK and address.strip()):
        return kind, address.strip()
    raise RequestError(f"engine is {shown(text)}; it must be local, or dask:ADDRESS with a scheduler's address or file")


def shard_words(text: object) -> tuple[int, int]:
    """``I/N``, the I-th of N shares, as two numbers; anything else is refused (RequestError).

    Examples:
        >>> shard_words("2/8")
        (2, 8)
        >>> shard_words("0/8")
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: shard is '0/8'; it must be I/N with I from 1 to N
    """
    numbers = text.split("/") if isinstance(text, str) else []
    if len(numbers) == 2 and all(number.isascii() and number.isdigit() and len(number) < 10 for number in numbers):
        number, count = map(int, numbers)
        if 1 <= number <= whole(count, "the number of shards", 1, MOST_SHARDS):
            return number, count
    raise RequestError(f"shard is {shown(text)}; it must be I/N with I from 1 to N")
