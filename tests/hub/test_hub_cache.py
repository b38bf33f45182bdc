"""Names of the Hub, and its client's cache read without its client."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.hub import cache
from zoo.hub.source import HubSource, parse
from zoo.utils.errors import RequestError

COMMIT = "0123456789abcdef" * 2 + "01234567"
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "README.md": b"# Card\n"}


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("org/repo", HubSource("org/repo")),
        ("hf:org/repo", HubSource("org/repo")),
        ("hf:Org_1/repo-2.x@main", HubSource("Org_1/repo-2.x", "main")),
        ("org/repo@refs/pr/1", HubSource("org/repo", "refs/pr/1")),
        ("org/repo@v1.0", HubSource("org/repo", "v1.0")),
        (f"org/repo@{COMMIT}", HubSource("org/repo", COMMIT)),
    ],
)
def test_a_source_is_read(text: str, source: HubSource) -> None:
    assert parse(text) == source
    assert parse(str(source)) == source
    assert source.ref == (source.revision or "main")
    assert source.is_commit == (source.revision == COMMIT)


@pytest.mark.parametrize(
    "text",
    ["", "repo", "org/", "/repo", "a/b/c", "org/re po", "../repo", "org/..", "org/a..b", "org/a--b", "-org/repo",
     "org/repo.git", "org/" + "x" * 100, "org/repo@", "org/repo@../x", "org/repo@/x", "org/repo@a//b", "org/repo@-x",
     "org/repo@a b", "org/repo@x.lock", "org/repo@a..b", "org/repo@~1", "https://huggingface.co/org/repo"],
)  # fmt: skip
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match=r"ORG/REPO|after the @") as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_nothing_heavy_is_imported() -> None:
    code = "import sys; from zoo.hub import cache, source; cache.cached_folder(source.parse('org/repo@main'))\n"
    code += "print([name for name in sys.modules if name in %r])"
    heavy = ("torch", "huggingface_hub.hf_api", "huggingface_hub.file_download", "httpx", "httpx2", "requests", "numpy")
    assert subprocess.run([sys.executable, "-c", code % (heavy,)], capture_output=True, text=True).stdout == "[]\n"


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot as the client makes it, with links."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--org--repo" / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    blobs = tmp_path / "models--org--repo" / "blobs"
    blobs.mkdir()
    for name, content in FILES.items():
        (folder / "new").write_bytes(content)
        digest = cache.sha256_of(folder / "new") if name == "model.safetensors" else cache.git_blob_id(folder / "new")
        (folder / "new").rename(blobs / digest)
        (folder / name).symlink_to(Path("../../blobs") / digest)
    return folder


def test_a_snapshot_is_found_by_its_commit_and_by_its_branch(snapshot: Path) -> None:
    assert cache.cached_folder(parse(f"org/repo@{COMMIT}")) == snapshot
    assert cache.cached_folder(parse("org/repo")) is None
    cache.keep_ref(parse("org/repo"), snapshot)
    cache.keep_ref(parse("org/repo@feature/x"), snapshot)
    for name in ("org/repo", "org/repo@main", "org/repo@feature/x"):
        assert cache.cached_folder(parse(name)) == snapshot
    assert cache.cached_folder(parse("org/other")) is None
    (snapshot / "config.json").unlink()
    assert cache.cached_folder(parse("org/repo")) is None


def test_a_ref_that_is_no_commit_leads_nowhere(snapshot: Path) -> None:
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    for content in (b"../../../../etc", b"", b"\xff" * 40, COMMIT.upper().encode()):
        (refs / "main").write_bytes(content)
        assert cache.cached_folder(parse("org/repo")) is None


def test_damage_is_seen_and_removed(snapshot: Path) -> None:
    assert cache.damaged(snapshot) == []
    blob = (snapshot / "README.md").resolve()
    blob.write_bytes(b"# Other\n")
    assert cache.damaged(snapshot) == ["README.md"]
    cache.remove(snapshot / "README.md")
    assert not blob.exists()
    assert sorted(path.name for path in snapshot.iterdir()) == ["config.json", "model.safetensors"]


def test_a_blob_that_repositories_share_goes_too(snapshot: Path, tmp_path: Path) -> None:
    """Newer clients keep some content once a cache, and link to it from the blobs of each repository."""
    blob, shared = (snapshot / "model.safetensors").resolve(), tmp_path / "blobs" / "ab" / "abcdef"
    shared.parent.mkdir(parents=True)
    blob.rename(shared)
    blob.symlink_to(os.path.relpath(shared, blob.parent))
    assert cache.damaged(snapshot) == []
    shared.write_bytes(b"damaged")
    assert cache.damaged(snapshot) == ["model.safetensors"]
    cache.remove(snapshot / "model.safetensors")
    assert not shared.exists()
    assert not blob.is_symlink()


def test_a_link_out_of_the_cache_takes_nothing_with_it(snapshot: Path, tmp_path: Path) -> None:
    """Where somebody linked an entry elsewhere, only the link is removed."""
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (snapshot / "samples.png").symlink_to(mine)
    cache.remove(snapshot / "samples.png")
    assert mine.read_text() == "mine"


def test_git_names_content_as_here(tmp_path: Path) -> None:
    """The id of the empty blob is known to everybody who uses git."""
    (tmp_path / "empty").touch()
    assert cache.git_blob_id(tmp_path / "empty") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert cache.matches(tmp_path / "empty", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
    assert cache.matches(tmp_path / "empty", "no digest"), "nothing can be said"
    assert not cache.matches(tmp_path / "empty", "0" * 40)
