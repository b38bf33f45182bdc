"""A checkpoint pushed to the Hub in one commit."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from zoo.hub.cache import FILES, WEIGHTS
from zoo.hub.client import HubFailedError, api, is_offline, tell, translated
from zoo.hub.pull import LIMITS
from zoo.hub.source import HubSource, parse
from zoo.saving.again import Storable
from zoo.saving.checkpoint import CARD, CONFIG, load, save
from zoo.saving.facts import PICTURE, Facts, hub_card, licence_of, read_facts
from zoo.saving.golden import SAMPLES, golden_x, read_golden, write_golden
from zoo.utils.errors import RequestError, border
from zoo.utils.files import read_text

NO_TOKEN = (
    "there is no token for the Hub: make one with write access in the settings of your account there, "
    "then run hf auth login or set HF_TOKEN"
)


class Pushed(NamedTuple):
    """A checkpoint that was pushed: the repository at the new commit, and the sha256 and the size in bytes of the weights.

    The licence is "" where the card names none.
    """

    source: HubSource
    url: str
    sha256: str
    facts: Facts
    size: int
    licence: str

    def registry_block(self) -> str:
        """The lines of a ``registry.toml`` that pin it by commit and sha256 under a name; "" where it has no task."""
        facts = self.facts
        if facts.task is None:
            return ""
        data = "{name}, {items} pairs".format(**{"items": "?", **facts.data}) if facts.data and facts.data.get("name") else ""
        given = {"model": facts.model, "task": facts.task["name"], "source": str(self.source), "sha256": self.sha256}
        given |= {"size": self.size, "licence": self.licence, "data": data}
        name = "/".join(part.lstrip("_") or "x" for part in self.source.repo_id.lower().split("/"))  # as a registry takes it
        lines = [f"[checkpoints.{_toml(name)}]", *(f"{key} = {_toml(value)}" for key, value in given.items() if value != "")]
        scores = ", ".join(f"{_toml(name)} = {float(score['value'])!r}" for name, score in facts.scores.items())
        return "\n".join([*lines, *([f"scores = {{ {scores} }}"] if scores else [])]) + "\n"


def push(folder: Path, repo: str, *, private: bool = False, licence: str | None = None, message: str | None = None) -> Pushed:
    """Push the checkpoint in ``folder`` to ``repo``, all in one commit: either all of it is there afterwards, or what was.

    It is loaded first, strictly: what cannot be loaded is not pushed. The card gets the tags by which ``zoo list --hub``
    finds it, the scores, the licence and the picture of samples.

    Args:
        folder: of a checkpoint, or of a finished run, whose checkpoint and samples are taken.
        repo: ``ORG/REPO``; it is made if it is not there.
        private: make a new repository private.
        licence: an SPDX name; None for the one that the card has.
        message: of the commit.

    Raises:
        RequestError: the folder holds no checkpoint, or there is no right to push.
        ZooError: the Hub or the network failed, or somebody else pushed meanwhile.
    """
    with _gathered(folder, repo, licence) as (source, facts, paths, card):
        commit, url, sha256 = _commit(source, paths, private, message or f"{facts.model} by cond-zoo")
        size = paths[WEIGHTS].stat().st_size
    return Pushed(HubSource(source.repo_id, commit), url, sha256, facts, size, _licence(folder, card))


class Preview(NamedTuple):
    """The content that a push would put into a repository: each file with its size in bytes, and the text of the card."""

    repo_id: str
    files: dict[str, int]
    card: str
    licence: str
    facts: Facts


def preview(folder: Path, repo: str, *, licence: str | None = None) -> Preview:
    """Look at what :func:`push` with the same words would push; nothing is asked of the Hub, and no token is needed.

    Raises:
        RequestError: it could not be pushed, for a reason that shows without the Hub.
    """
    with _gathered(folder, repo, licence) as (source, facts, paths, card):
        sizes = {name: path.stat().st_size for name, path in sorted(paths.items())}
    return Preview(source.repo_id, sizes, card, _licence(folder, card), facts)


@contextlib.contextmanager
def _gathered(folder: Path, repo: str, licence: str | None) -> Iterator[tuple[HubSource, Facts, dict[str, Path], str]]:
    """The repository, the facts, every file of the commit by its name there, and the card's text, seen to be as they must."""
    source = parse(repo)
    if "@" in repo:
        raise RequestError(f"{repo!r}: a push makes a new commit on the main branch; leave out the revision")
    checkpoint, picture = _parts(folder)
    facts = read_facts(checkpoint / CONFIG)
    load(checkpoint, facts=facts)
    read_golden(checkpoint)
    paths = {name: checkpoint / name for name in FILES if (checkpoint / name).is_file()}
    for path in (*paths.values(), *([picture] if picture is not None else [])):
        _stay(path)
    with tempfile.TemporaryDirectory() as scratch:
        card, size = Path(scratch) / CARD, paths[WEIGHTS].stat().st_size
        with border(f"{checkpoint / CARD} cannot be read", RequestError):
            text = read_text(paths[CARD]) if CARD in paths else ""
        text = hub_card(text, facts, source.repo_id, licence, picture is not None, size)
        card.write_text(text, encoding="utf-8", errors="backslashreplace")
        paths |= {CARD: card, **({PICTURE: picture} if picture is not None else {})}
        for name, limit in LIMITS.items():
            if name in paths and (bytes_ := paths[name].stat().st_size) > limit:
                raise RequestError(f"{paths[name]} has {bytes_:,} bytes; a pull takes at most {limit:,}")
        yield source, facts, paths, text


def _licence(folder: Path, card: str) -> str:
    """The licence that a card names; says so where it names none."""
    licence = licence_of(card)
    if not licence:
        tell(f"{folder} names no licence, so others cannot know if they may use it; name one with --licence, like apache-2.0")
    return licence


def push_model(model: Storable, repo: str, saving: Mapping[str, Any], **more: Any) -> Pushed:
    """Save ``model`` to a temporary folder with the arguments ``saving``, keep golden samples beside it, and push it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "checkpoint"
        facts = save(model, folder, **saving)
        stored, seed = load(folder, facts=facts), 0
        x, _, _ = golden_x(stored.x_shape, facts.task, seed)
        write_golden(folder, x, stored.sample(x, SAMPLES, seed=seed), seed)
        return push(folder, repo, **more)


def _parts(folder: Path) -> tuple[Path, Path | None]:
    """The checkpoint's folder and the picture of samples."""
    checkpoint = folder if (folder / CONFIG).is_file() else folder / "checkpoint"
    if not (checkpoint / CONFIG).is_file():
        if not folder.is_dir():
            raise RequestError(f"there is no folder {folder}; name a checkpoint's folder, or that of a finished run")
        raise RequestError(f"{folder} is neither a checkpoint nor a run: it has no {CONFIG} and no checkpoint/{CONFIG}")
    beside = [checkpoint, *([checkpoint.parent] if checkpoint.name == "checkpoint" else [])]
    return checkpoint, next((place / PICTURE for place in beside if (place / PICTURE).is_file()), None)


def _stay(path: Path) -> None:
    """See that a file is where it seems to be: somebody else's folder may link to what its user would never publish."""
    from huggingface_hub.constants import HF_HUB_CACHE

    home, place = path.parent.resolve(), path.resolve()
    if home not in place.parents and Path(HF_HUB_CACHE).resolve() not in place.parents:
        raise RequestError(f"{path} is a link to {place}, outside of the folder; a push takes what lies in it")


def _toml(value: str | int) -> str:
    """A value as TOML; its basic strings are written as those of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _commit(source: HubSource, paths: dict[str, Path], private: bool, message: str) -> tuple[str, str, str]:
    """One commit that adds these files, takes away what a checkpoint no longer has, and stands on the commit seen before.

    Gives its name, the URL of the repository, and the sha256 of the weights.
    """
    if is_offline():
        raise HubFailedError(f"{source.repo_id} cannot be pushed to: HF_HUB_OFFLINE is set; unset it to push")
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, get_token

    if not get_token():
        raise RequestError(NO_TOKEN)
    client = api()
    with translated(source.repo_id, doing=f"pushing to {source.repo_id}"):
        url = client.create_repo(source.repo_id, private=private, exist_ok=True)
        info = client.model_info(source.repo_id)
        there = {sibling.rfilename for sibling in info.siblings or ()}
        added = {name: CommitOperationAdd(name, str(path)) for name, path in paths.items()}
        gone = [CommitOperationDelete(name) for name in FILES if name in there and name not in paths]
        commit = client.create_commit(source.repo_id, [*added.values(), *gone], commit_message=message, parent_commit=info.sha)
    return commit.oid, str(url), added[WEIGHTS].upload_info.sha256.hex()
