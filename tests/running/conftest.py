"""The toy plugin is installed for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import toy


@pytest.fixture(scope="module", autouse=True)
def _toys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        toy.install(patch)
        yield
    toy.remove()
