"""How many threads the libraries of a process may start: processes that work side by side share the cores."""

from __future__ import annotations

from collections.abc import Mapping

_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


def with_threads(environment: Mapping[str, str], share: int) -> dict[str, str]:
    """``environment`` with ``share`` threads, at least one, for each library that has threads; fewer where fewer are set."""
    limited, share = dict(environment), max(1, share)
    for name in _VARIABLES:
        old = limited.get(name, "")
        limited[name] = str(min(int(old), share) if old.isdigit() and int(old) else share)
    return limited
