"""A checkpoint pushed to the Hub in one commit."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.card import PICTURE, hub_card
from zoo.errors import RequestError
from zoo.facts import Facts, read_facts
from zoo.files import sha256_of
from zoo.hub.cache import FILES, WEIGHTS
from zoo.hub.client import api, need_token, quiet
from zoo.hub.errors import translated
from zoo.hub.source import HubSource, parse
from zoo.saving import CARD, CONFIG, load

if TYPE_CHECKING:
    from zoo.model import Model


class Pushed(NamedTuple):
    """What was pushed.

    Attributes:
        source: the repository at the new commit.
        url: of the repository.
        sha256: of the weights.
        facts: what ``config.json`` says.
        size: of the weights in bytes.
    """

    source: HubSource
    url: str
    sha256: str
    facts: Facts
    size: int

    def registry_block(self) -> str:
        """What to write into a ``registry.toml`` so that the checkpoint has a name, pinned by commit and sha256."""
        task = self.facts.task["name"] if self.facts.task else ""
        scores = ", ".join(f'"{name}" = {score["value"]:.5g}' for name, score in self.facts.scores.items())
        return (
            f'[checkpoints."{self.facts.model}/{task}"]\nmodel = "{self.facts.model}"\ntask = "{task}"\n'
            f'source = "{self.source}"\nsha256 = "{self.sha256}"\nsize = {self.size}\nscores = {{ {scores} }}\n'
        )


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
    source = parse(repo)
    if "@" in repo:
        raise RequestError(f"{repo!r}: a push makes a new commit on the main branch; leave out the revision")
    checkpoint, picture = _parts(folder)
    load(checkpoint)
    facts = read_facts(checkpoint / CONFIG)
    with tempfile.TemporaryDirectory() as scratch:
        card = Path(scratch) / CARD
        old = checkpoint / CARD
        text = old.read_text(encoding="utf-8") if old.is_file() else ""
        card.write_text(hub_card(text, facts, source.repo_id, licence, picture is not None), encoding="utf-8")
        paths = {name: checkpoint / name for name in FILES if (checkpoint / name).is_file()}
        paths |= {CARD: card, **({PICTURE: picture} if picture is not None else {})}
        commit, url = _commit(source, paths, private, message or f"{facts.model} by cond-zoo")
    weights = checkpoint / WEIGHTS
    return Pushed(HubSource(source.repo_id, commit), url, sha256_of(weights), facts, weights.stat().st_size)


def push_model(model: Model, repo: str, save: Mapping[str, Any], **more: Any) -> Pushed:
    """Save ``model`` to a temporary folder with the arguments ``save``, keep golden samples beside it, and push it."""
    from zoo.golden import keep_golden

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "checkpoint"
        model.save(folder, **save)
        keep_golden(folder)
        return push(folder, repo, **more)


def _parts(folder: Path) -> tuple[Path, Path | None]:
    """The checkpoint's folder and the picture of samples, of a checkpoint or of a run."""
    checkpoint = folder if (folder / CONFIG).is_file() else folder / "checkpoint"
    if not (checkpoint / CONFIG).is_file():
        raise RequestError(f"{folder} is neither a checkpoint nor a run: it has no {CONFIG} and no checkpoint/{CONFIG}")
    for place in (checkpoint / PICTURE, checkpoint.parent / PICTURE):
        if place.is_file() and (place.parent == checkpoint or checkpoint.name == "checkpoint"):
            return checkpoint, place
    return checkpoint, None


def _commit(source: HubSource, paths: dict[str, Path], private: bool, message: str) -> tuple[str, str]:
    """One commit that adds these files, takes away what a checkpoint no longer has, and stands on the commit seen before."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    need_token()
    client = api()
    with quiet(), translated(source.repo_id, doing="pushing"):
        url = client.create_repo(source.repo_id, private=private, exist_ok=True)
        info = client.model_info(source.repo_id)
        there = {one.rfilename for one in info.siblings or ()}
        added = [CommitOperationAdd(name, str(path)) for name, path in paths.items()]
        gone = [CommitOperationDelete(name) for name in FILES if name in there and name not in paths]
        made = client.create_commit(source.repo_id, [*added, *gone], commit_message=message, parent_commit=info.sha)
    return made.oid, str(url)
