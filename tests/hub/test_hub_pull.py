"""Pulling with the real client: what is fetched and what is not, and what becomes of it when the work is cut short."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zygote
from hubworld import REPO, World
from loopback import Faults

import zoo
from zoo.hub.cache import cached_folder, damaged
from zoo.hub.pull import pull
from zoo.hub.source import parse
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import sha256_of

PULL = f"from zoo.hub.pull import pull; from zoo.hub.source import parse; print(pull(parse({REPO!r})).revision)"
WAIT = time.sleep


def process(here: World) -> Any:
    return zygote.start(PULL, env=here.environment())


def until(happened: Callable[[], object]) -> None:
    for _ in range(6000):
        if happened():
            return
        WAIT(0.01)
    raise AssertionError("it did not happen")


def test_only_the_files_of_a_checkpoint_are_fetched(here: World) -> None:
    here.put()
    evil = ("../evil", "../../../evil", "/evil", "a/../../evil", "C:\\evil", "snapshots/config.json", "./config.json")
    others = dict.fromkeys(("train.py", "big.bin", "config.json.bak", *evil), b"evil")
    here.hub.put(REPO, {**others, "golden.safetensors": b"g"})
    before = {path for path in here.path.rglob("*") if here.home not in path.parents}
    pulled = pull(parse(REPO))
    assert {path for path in here.path.rglob("*") if here.home not in path.parents} - before <= {here.home}
    assert not Path("/evil").exists()
    assert not pulled.from_cache
    assert pulled.revision == here.hub.head(REPO)
    assert pulled.folder.name == pulled.revision
    names = {"README.md", "config.json", "model.safetensors", "golden.safetensors"}
    assert {path.name for path in pulled.folder.rglob("*")} == names
    asked = {path.partition("?")[0].rpartition("/")[2] for _, path in here.hub.requests if "/resolve/" in path}
    assert asked == names
    assert all(f"/resolve/{pulled.revision}/" in path for _, path in here.hub.requests if "/resolve/" in path), "one commit"


def test_a_note_that_cannot_be_kept_costs_nothing(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise ZooError("cannot write refs/main: Read-only file system")

    here.put()
    monkeypatch.setattr("zoo.hub.cache.keep_ref", full)
    assert pull(parse(REPO)).revision == here.hub.head(REPO)


def test_a_commit_that_is_cached_needs_no_network(here: World, capsys: pytest.CaptureFixture[str]) -> None:
    commit = here.put()
    first = pull(parse(f"{REPO}@{commit}"))
    here.hub.requests.clear()
    capsys.readouterr()
    again = pull(parse(f"{REPO}@{commit}"))
    assert (again.folder, again.from_cache, again.why) == (first.folder, True, "")
    assert here.hub.requests == []
    assert capsys.readouterr().err == "", "there is nothing to be said"


def test_a_branch_is_looked_up_and_only_what_changed_is_fetched(here: World) -> None:
    here.put()
    first = pull(parse(REPO))
    assert pull(parse(REPO)).from_cache
    here.hub.put(REPO, {"README.md": b"# Newer\n"}, tags=("v2",))
    here.hub.requests.clear()
    second = pull(parse(REPO))
    assert second.revision != first.revision
    fetched = [path for method, path in here.hub.requests if method == "GET" and "/api/" not in path]
    assert len(fetched) == 1
    assert fetched[0].endswith("README.md")
    assert pull(parse(f"{REPO}@v2")).from_cache
    assert cached_folder(parse(f"{REPO}@v2")) == second.folder


def test_what_a_cached_commit_lacks_is_fetched(here: World) -> None:
    """Another program may have fetched the weights and the config alone."""
    here.put()
    folder = pull(parse(REPO)).folder
    (folder / "README.md").unlink()
    pulled = pull(parse(REPO))
    assert (pulled.folder, pulled.from_cache) == (folder, False)
    assert (folder / "README.md").is_file()


def test_what_was_loaded_without_a_revision_can_be_pinned(here: World, capsys: pytest.CaptureFixture[str]) -> None:
    commit = here.put()
    loaded = zoo.load(f"hf:{REPO}", device="cpu")
    assert f"zoo: hf:{REPO} is at commit {commit}; to pin it, load hf:{REPO}@{commit}" in capsys.readouterr().err
    assert loaded.facts.model == "toy-wide"
    assert loaded.name == f"hf:{REPO}@{commit}"
    result = zoo.run(checkpoint=f"hf:{REPO}", n=2, items=2, device="cpu", out=here.path / "run", progress=False)
    assert f"--checkpoint hf:{REPO}@{commit} " in json.loads((result.out / "run.json").read_text())["command"]
    capsys.readouterr()
    zoo.load(f"hf:{REPO}@{commit}", device="cpu")
    assert capsys.readouterr().err == ""


def test_registered_weights_are_held_to_their_sha256(here: World) -> None:
    commit = here.put()
    good = sha256_of(here.path / "weights" / "model.safetensors")
    registry = here.path / "registry.toml"
    here.patch.setenv("ZOO_REGISTRY", str(registry))

    def register(revision: str, sha256: str) -> None:
        source = f'source = "hf:{REPO}@{revision}"'
        registry.write_text(
            f'schema = 1\n[checkpoints."mine/toy"]\nmodel = "toy"\ntask = "toy-shade"\n{source}\nsha256 = "{sha256}"\n'
        )

    for revision in (commit, "main"):
        for _ in range(2):  # from the Hub, then with the cache
            register(revision, "0" * 64)
            with pytest.raises(RequestError, match="is not the registered one"):
                zoo.load("mine/toy", device="cpu")
            register(revision, good)
            zoo.load("mine/toy", device="cpu")
    code, out, _ = here.zoo("pull", "mine/toy", "--json")
    assert code == 0
    assert json.loads(out)["sha256"] == good


def test_a_pull_prints_where_it_is_and_how_to_use_it(here: World) -> None:
    commit = here.put()
    code, out, _ = here.zoo("pull", REPO)
    lines = dict(line.split(maxsplit=1) for line in out.splitlines()[1:])
    assert code == 0
    assert lines["commit"] == commit
    assert lines["sha256"] == sha256_of(Path(lines["folder"]) / "model.safetensors")
    assert lines["use"] == f"zoo.load('hf:{REPO}@{commit}')"
    code, out, err = here.zoo("pull", f"{REPO}@{commit}", "--out", str(here.path / "copy"), "--json")
    facts = json.loads(out)
    assert (code, err, facts["cached"], facts["load"]) == (0, "", True, f"dir:{here.path / 'copy'}")
    assert not any(path.is_symlink() for path in (here.path / "copy").iterdir())
    assert here.files(here.path / "copy") == here.files()
    code, _, err = here.zoo("pull", REPO, "--out", str(here.path / "copy"))
    assert code == 2
    assert "already holds something" in err
    code, out, _ = here.zoo("pull", "cdvae/relight")
    assert code == 0
    assert out.startswith("cdvae/relight needs no pull")


def test_a_pull_killed_in_the_middle_leaves_nothing_that_is_taken_for_whole(here: World) -> None:
    here.put(model_safetensors=bytes(24_000_000))  # the client writes 10 MiB at a time
    here.hub.faults.slow["model.safetensors"] = 60.0
    alone = process(here)
    until(lambda: any(path.stat().st_size for path in here.cache.glob("models--*/blobs/*.incomplete")))
    alone.send_signal(signal.SIGKILL)
    alone.communicate()
    assert cached_folder(parse(REPO)) is None
    assert cached_folder(parse(f"{REPO}@{here.hub.head(REPO)}")) is None
    here.hub.faults = Faults()
    pulled = pull(parse(REPO))
    assert not pulled.from_cache
    assert damaged(pulled.folder) == []
    assert (pulled.folder / "model.safetensors").read_bytes() == here.hub.files(REPO)["model.safetensors"]


def test_two_processes_that_pull_the_same_both_have_it(here: World) -> None:
    here.put(model_safetensors=os.urandom(200_000))
    here.hub.faults.slow["model.safetensors"] = 0.3
    both = [process(here), process(here)]
    said = [each.communicate() for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert {out.strip() for out, _ in said} == {here.hub.head(REPO)}
    folder = cached_folder(parse(REPO))
    assert folder is not None
    assert damaged(folder) == []
    assert not list(here.cache.glob("models--*/blobs/*.incomplete"))


def test_a_full_disk_is_said_and_the_next_pull_works(here: World) -> None:
    """On a small disk of its own where this user may mount one, else with a bound on the size of a file."""
    here.put(model_safetensors=os.urandom(400_000))
    disk = here.path / "disk"
    disk.mkdir()
    mounted = not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)], capture_output=True
    ).returncode
    here.patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(disk))
    bound = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        if not mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, bound[1]))
        with pytest.raises(ZooError, match=r"the disk refused: (No space left on device|File too large)") as caught:
            pull(parse(REPO))
        assert caught.value.exit_code == 1
        assert cached_folder(parse(REPO)) is None
        assert not list(disk.glob("models--*/snapshots/*/model.safetensors"))
    finally:
        if mounted:
            subprocess.run(["umount", str(disk)], check=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, bound)
    assert not pull(parse(REPO)).from_cache


def test_a_copy_that_fails_leaves_nothing(here: World) -> None:
    here.put()
    (here.path / "file").touch()
    code, _, err = here.zoo("pull", REPO, "--out", str(here.path / "file" / "copy"))
    assert code == 2
    assert "cannot be made" in err
    here.patch.setattr("shutil.copyfile", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    code, _, err = here.zoo("pull", REPO, "--out", str(here.path / "copy"))
    assert code == 1
    assert "No space left" in err
    assert not list(here.path.glob("*copy*"))
