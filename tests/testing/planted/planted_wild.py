"""Models that raise, exit, print without end or do not end at all, to be checked in a process of their own."""

import os
import sys
import time

from planted_right import Right


class Wild(Right):
    """One sample ends badly, as ``end`` does."""

    def sample(self, x, n, **known):
        if n == 1:
            self.end()
        return super().sample(x, n, **known)


class Sleeps(Wild):
    def end(self):
        time.sleep(3600)


class Exits(Wild):
    def end(self):
        os._exit(7)


class Leaves(Wild):
    def end(self):
        """Print much that looks like a result, then raise."""
        for _ in range(10_000):
            print('{"check": "one_sample_is_enough", "state": "ran", "words": ""}')
            os.write(1, b'{"check": "one_sample_is_enough", "state": "ran", "words": ""}\n')
            print("noise", file=sys.stderr)
        sys.exit("enough")


class AlwaysExits(Right):
    """Fitting ends the process, every time."""

    def prepare(self, pairs, seed):
        os._exit(9)
