"""A checkpoint fetched from the Hub at one commit, every byte of it checked: the client checks none."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import NamedTuple

from zoo.hub import cache
from zoo.hub.client import HubFailedError, HubRefusedError, api, is_offline, tell, translated
from zoo.hub.source import HubSource, is_commit
from zoo.saving.golden import LARGEST_GOLDEN
from zoo.utils.errors import RequestError, ZooError, border

LIMITS = {"config.json": 1_000_000, "README.md": 1_000_000, "samples.png": 20_000_000, "golden.safetensors": LARGEST_GOLDEN}
"""The most bytes that a file may have, where it cannot be of any size."""


class Pulled(NamedTuple):
    """A checkpoint that was pulled: its folder in the cache, the commit, and whether nothing was fetched."""

    folder: Path
    revision: str
    from_cache: bool
    why: str = ""  # the cache was used although the Hub was to be asked


class _Remote(NamedTuple):
    """One file as the Hub lists it; the digest is a sha256, or a git blob's id."""

    size: int
    digest: str

    def is_at(self, path: Path) -> bool:
        return path.stat().st_size == self.size and cache.matches(path, self.digest)


def pull(source: HubSource, sha256: str | None = None, *, progress: bool = True) -> Pulled:
    """The folder of a checkpoint, fetched if it is not cached; what is cached is checked again.

    A commit that is cached needs no network. Otherwise the Hub is asked which commit the revision is at; where it
    fails, the cached commit is taken, and that is said on stderr.

    Args:
        source: where it is.
        sha256: of the weights, where it is registered; it must be that one then.
        progress: say what is fetched, on stderr.

    Raises:
        RequestError: no such repository or revision, no access, no checkpoint in it, or not the registered weights.
        ZooError: the Hub or the disk failed and nothing is cached, or what came is not what the Hub lists.
    """
    with border(f"pulling {source}"):  # the cache may be anybody's, or may not be read
        return _pull(source, sha256, progress)


def _pull(source: HubSource, sha256: str | None, progress: bool) -> Pulled:
    lost = False
    if source.is_commit:
        kept, lost = _kept(source, sha256)
        if kept is not None:
            return Pulled(kept, source.ref, True)
    try:
        if is_offline():
            raise HubFailedError(f"{source} is not in the cache, and HF_HUB_OFFLINE is set")
        commit, files = _look(source)
        _allow(source, commit, files, sha256)
        folder, fetched = _fetch(source, commit, files, progress)
        with contextlib.suppress(ZooError):  # a note that saves a question; a cache that others fill takes none
            cache.keep_ref(source, folder)
        return Pulled(folder, commit, not fetched)
    except (HubFailedError, HubRefusedError) as error:
        kept, lost = _kept(source, sha256) if not lost else (None, lost)
        if kept is None:
            if lost:
                error.args = (f"{error}; what was cached was damaged and is removed",)
            raise
        reason = "HF_HUB_OFFLINE is set" if is_offline() else str(error)
        tell(f"{source}: using the cached commit {kept.name}, because {reason}")
        return Pulled(kept, kept.name, True, reason)


def _kept(source: HubSource, sha256: str | None) -> tuple[Path | None, bool]:
    """The cached folder if every file in it is what it was, and whether some were not and are removed."""
    folder = cache.cached_folder(source)
    if folder is None:
        return None, False
    if wrong := cache.damaged(folder):
        _remove(source, folder, wrong)
        return None, True
    weights = cache.blob(folder / cache.WEIGHTS)
    if sha256 and weights.name != sha256 and not cache.matches(weights, sha256):
        raise _other_weights(source)
    return folder, False


def _remove(source: HubSource, folder: Path, names: list[str]) -> None:
    for name in names:
        cache.remove(folder / name)
    tell(f"{source}: damaged in the cache and removed: {', '.join(names)}")


def _look(source: HubSource) -> tuple[str, dict[str, _Remote]]:
    """The commit that the revision is at, and those of its files that a checkpoint consists of."""
    with translated(source.repo_id, source.ref, doing=f"looking up revision {source.ref} of {source.repo_id}"):
        info = api().model_info(source.repo_id, revision=source.ref, files_metadata=True)
        if not is_commit(str(info.sha)):
            raise HubFailedError(f"the Hub names no commit for {source}")
        listed, files = {sibling.rfilename: sibling for sibling in info.siblings or ()}, {}
        for name, file in ((name, listed[name]) for name in cache.FILES if name in listed):
            digest = file.lfs.sha256 if file.lfs else file.blob_id
            if not isinstance(file.size, int) or not isinstance(digest, str):
                raise HubFailedError(f"the Hub does not say size and digest of {name} of {source}, so it cannot be checked")
            files[name] = _Remote(file.size, digest)
        return str(info.sha), files


def _allow(source: HubSource, commit: str, files: dict[str, _Remote], sha256: str | None) -> None:
    if lacking := [name for name in cache.NEEDED if name not in files]:
        raise RequestError(f"{source} is no checkpoint of this zoo: at commit {commit} it has no {' and no '.join(lacking)}")
    for name, limit in LIMITS.items():
        if name in files and files[name].size > limit:
            raise RequestError(f"{source}: {name} has {files[name].size:,} bytes; at most {limit:,} are fetched")
    if sha256 and files[cache.WEIGHTS].digest != sha256:
        raise _other_weights(source)


def _other_weights(source: HubSource) -> RequestError:
    return RequestError(f"{source}: the sha256 of {cache.WEIGHTS} is not the registered one: these are other weights")


def _fetch(source: HubSource, commit: str, files: dict[str, _Remote], progress: bool) -> tuple[Path, bool]:
    """Bring every file into the cache and check it; gives their folder, and whether one was not there."""
    from huggingface_hub import try_to_load_from_cache

    client, fetched, path = api(), False, Path()
    for name, remote in files.items():
        cached = try_to_load_from_cache(source.repo_id, name, revision=commit)
        if isinstance(cached, str):
            path = Path(cached)
            if remote.is_at(path):
                continue
            _remove(source, path.parent, [name])
        with translated(source.repo_id, source.ref, doing=f"fetching {name} of {source.repo_id}"):
            if progress and not sys.stderr.isatty():
                size = f"{remote.size / 1e6:.1f} MB" if remote.size >= 100_000 else f"{remote.size:,} bytes"
                tell(f"{source}: fetching {name} ({size})")
            path = Path(client.hf_hub_download(source.repo_id, name, revision=commit))
        if not remote.is_at(path):
            cache.remove(path)
            raise ZooError(
                f"{source}: {name} arrived damaged: its bytes are not those that the Hub lists; it is removed, pull it again"
            )
        fetched = True
    return path.parent, fetched
