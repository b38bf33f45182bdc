"""A checkpoint pushed to the Hub in one commit."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from zoo.card import hub_card
from zoo.errors import RequestError
from zoo.facts import Facts, read_facts
from zoo.files import sha256_of
from zoo.hub.client import api, failures
from zoo.hub.errors import TOKEN, translated
from zoo.hub.files import CONFIG, LARGEST, WEIGHTS
from zoo.hub.source import HubSource, parse

CARD, PICTURE = "README.md", "samples.png"


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


def push(
    folder: Path, repo: str, *, private: bool = False, licence: str | None = None, message: str | None = None
) -> Pushed:
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
    from zoo.saving import load

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
        paths = {name: checkpoint / name for name in LARGEST if (checkpoint / name).is_file()}
        paths |= {CARD: card, **({PICTURE: picture} if picture is not None else {})}
        commit, url = _commit(source, paths, private, message or f"{facts.model} by cond-zoo")
    weights = checkpoint / WEIGHTS
    return Pushed(HubSource(source.repo_id, commit), url, sha256_of(weights), facts, weights.stat().st_size)


def save_and_push(save: object, repo: str, **more: object) -> Pushed:
    """Call ``save`` with a temporary folder, and push what it left there."""
    scratch = Path(tempfile.mkdtemp())
    try:
        save(scratch / "checkpoint")  # type: ignore[operator]
        return push(scratch / "checkpoint", repo, **more)  # type: ignore[arg-type]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


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
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, errors

    hub = api()
    try:
        url = hub.create_repo(source.repo_id, private=private, exist_ok=True)
        info = hub.model_info(source.repo_id)
        there = {one.rfilename for one in info.siblings or []}
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(name, str(path)) for name, path in paths.items()
        ]
        operations += [CommitOperationDelete(name) for name in LARGEST if name in there and name not in paths]
        made = hub.create_commit(source.repo_id, operations, commit_message=message, parent_commit=info.sha)
    except errors.LocalTokenNotFoundError as error:
        raise RequestError(f"pushing to {source.repo_id} needs a token that may write: {TOKEN}") from error
    except failures() as error:
        raise translated(error, source, "pushing") from error
    return made.oid, str(url)
