"""Models that raise, exit, print without end or do not end at all, to be checked in a process of their own."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from planted_right import Right
from torch import Tensor

from zoo.data.pairs import Pairs


class Sleeps(Right):
    """One sample takes for ever."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        if n == 1:
            time.sleep(3600)
        return super().sample(x, n, **known)


class Exits(Right):
    """One sample ends the process."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        if n == 1:
            os._exit(7)
        return super().sample(x, n, **known)


class Leaves(Right):
    """One sample raises SystemExit, after a lot of printing that looks like a result."""

    def sample(self, x: Tensor, n: int, **known: Any) -> Tensor:
        if n == 1:
            for _ in range(10_000):
                print('{"check": "one_sample_is_enough", "state": "ran", "words": ""}')
                os.write(1, b'{"check": "one_sample_is_enough", "state": "ran", "words": ""}\n')
                print("noise", file=sys.stderr)
            sys.exit("enough")
        return super().sample(x, n, **known)


class AlwaysExits(Right):
    """Fitting ends the process, every time."""

    def prepare(self, pairs: Pairs, seed: int) -> None:
        os._exit(9)
