"""The loopback Hub against the real client: what the tests of push and pull rest on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from loopback import Hub

REPO = "org/model"
CARD = "---\nlicense: apache-2.0\nlibrary_name: cond-zoo\ntags:\n- relight\n- cvae\n---\n# A model\n"
FILES = {"README.md": CARD.encode(), "model.safetensors": bytes(range(256)) * 40, "sheets/one.png": b"\x89PNG" * 9}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    # The client waits between its tries.
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with Hub() as hub:
        hub.attach(monkeypatch, tmp_path / "home")
        yield hub


@pytest.fixture
def api(hub: Hub) -> HfApi:
    return HfApi(token="token-of-org")


def push(api: HfApi, files: dict[str, bytes] = FILES, **more: Any) -> str:
    operations = [CommitOperationAdd(path, data) for path, data in files.items()]
    return api.create_commit(REPO, operations, commit_message="Push", **more).oid


def pull(folder: Path, name: str, **more: Any) -> bytes:
    return Path(hf_hub_download(REPO, name, cache_dir=folder, token=False, **more)).read_bytes()


def test_round_trip(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    api.create_repo(REPO)
    sha = push(api)
    assert sha == hub.head(REPO)
    assert {name: data for name, data in hub.files(REPO).items() if name != ".gitattributes"} == FILES
    folder = Path(snapshot_download(REPO, cache_dir=tmp_path, token=False))
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert folder.name == sha
    own = api.hf_hub_download(REPO, "model.safetensors", cache_dir=tmp_path / "own")
    assert Path(own).read_bytes() == FILES["model.safetensors"], "the token stays with the Hub, or its files' place refuses"
    assert any(method == "PUT" for method, _ in hub.requests)

    asked = len(hub.requests)
    assert push(api) == sha, "nothing new: no commit"
    assert not any("/commit/" in path or method == "PUT" for method, path in hub.requests[asked:])
    api.create_commit(REPO, [CommitOperationDelete("sheets/")], commit_message="Fewer")
    assert "sheets/one.png" not in hub.files(REPO)
    assert "sheets/one.png" in hub.files(REPO, sha)


def test_info_and_listing(hub: Hub, api: HfApi) -> None:
    hub.put(REPO, FILES)
    info = api.model_info(REPO, files_metadata=True)
    assert {"relight", "cvae", "cond-zoo", "license:apache-2.0", "safetensors"} <= set(info.tags)
    assert info.card_data.tags == ["relight", "cvae"]
    weights = next(each for each in info.siblings if each.rfilename == "model.safetensors")
    assert (weights.size, weights.lfs.size, len(weights.lfs.sha256)) == (10240, 10240, 64)
    for number in range(5):
        hub.put(f"org/other-{number}", {"README.md": CARD.replace("cvae", "cgan").encode()})
    hub.put("org/hidden", {"README.md": CARD.encode()}, private=True)
    hub.page_size = 2
    shown = {each.id for each in HfApi(token=False).list_models(filter=["cond-zoo", "relight"], full=True)}
    assert shown == {REPO, *(f"org/other-{number}" for number in range(5))}
    assert sum(path.startswith("/api/models?") for _, path in hub.requests) == 3
    assert {each.id for each in api.list_models(filter="cvae", author="org")} == {REPO, "org/hidden"}
    assert {each.id for each in api.list_models(search="OTHER", filter="license:apache-2.0", limit=3)} < shown
    assert api.get_paths_info(REPO, ["model.safetensors"])[0].lfs.sha256 == weights.lfs.sha256
    assert [each.path for each in api.list_repo_tree(REPO)] == ["README.md", "model.safetensors", "sheets"]
    assert len(api.list_repo_commits(REPO)) == 1


def test_tags(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    first = hub.put(REPO, FILES)
    api.create_tag(REPO, tag="v1/x", revision=first)
    hub.put(REPO, {"model.safetensors": b"newer"}, tags=["v2"])
    assert {each.name: each.target_commit for each in api.list_repo_refs(REPO).tags} == {"v1/x": first, "v2": hub.head(REPO)}
    assert pull(tmp_path, "model.safetensors", revision="v1/x") == FILES["model.safetensors"]
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_tag(REPO, tag="v2")
    api.delete_tag(REPO, tag="v2")
    with pytest.raises(RevisionNotFoundError):
        pull(tmp_path, "README.md", revision="v2")


def test_who_may(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    api.create_repo(REPO, private=True)
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_repo(REPO)
    api.create_repo(REPO, exist_ok=True)
    assert api.whoami()["name"] == "org"
    reader = HfApi(token="read-only")
    assert reader.whoami()["auth"]["accessToken"]["role"] == "read"
    for stranger in (reader, HfApi(token=False)):
        with pytest.raises(RepositoryNotFoundError):
            stranger.model_info(REPO)
    for stranger, status in ((reader, 403), (HfApi(token="wrong"), 401)):
        with pytest.raises(HfHubHTTPError, match=str(status)):
            stranger.create_repo("org/another")
    hub.put("org/open", FILES)
    with pytest.raises(HfHubHTTPError, match="403"):
        reader.create_commit("org/open", [CommitOperationAdd("x.txt", b"x")], commit_message="No")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download("org/open", "absent.txt", cache_dir=tmp_path, token=False)
    api.delete_repo(REPO)
    assert hub.head(REPO) is None
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo(REPO)


def test_commits_that_fail_leave_nothing(hub: Hub, api: HfApi) -> None:
    first = hub.put(REPO, {"a.txt": b"a"})
    second = hub.put(REPO, {"a.txt": b"b"})
    with pytest.raises(HfHubHTTPError, match="412"):
        push(api, parent_commit=first)
    hub.faults.stale = True
    with pytest.raises(HfHubHTTPError, match="412"):
        push(api)
    hub.faults.reset()
    hub.faults.die_at_commit = True
    with pytest.raises(Exception, match=r"(?i)reset|disconnected|aborted"):
        push(api)
    hub.faults.reset()
    hub.faults.refuse_lfs = True
    with pytest.raises(RuntimeError, match=r"new\.png"):
        push(api, {"new.png": b"new"})
    hub.faults.reset()
    hub.faults.status[".git/info/lfs"] = 403
    with pytest.raises(HfHubHTTPError, match="403"):
        push(api, {"new.png": b"new"})
    assert hub.head(REPO) == second
    hub.faults.reset()
    assert push(api, parent_commit=second) == hub.head(REPO)


def test_downloads_that_fail(hub: Hub, tmp_path: Path) -> None:
    hub.put(REPO, {**FILES, "../out.txt": b"out"})
    for name in ("model.safetensors", "README.md"):
        hub.faults.corrupt.add(name)
        wrong = pull(tmp_path / "corrupt", name)
        assert (len(wrong), wrong[:-1]) == (len(FILES[name]), FILES[name][:-1])
        assert wrong != FILES[name]
        hub.faults.reset()
        hub.faults.halved.add(name)
        with pytest.raises(OSError, match="Consistency check"):
            pull(tmp_path / "halved", name)
        hub.faults.reset()
        hub.faults.slow[name] = 0.05
        assert pull(tmp_path / "slow", name) == FILES[name]
    hub.faults.status["/resolve/"] = 500
    with pytest.raises(LocalEntryNotFoundError):
        pull(tmp_path / "down", "README.md")
    assert "../out.txt" in {each.rfilename for each in HfApi(token=False).model_info(REPO).siblings}


@pytest.mark.parametrize("fault", ["short", "drop"])
def test_connections_that_end_early(hub: Hub, tmp_path: Path, fault: str) -> None:
    hub.put(REPO, FILES)
    getattr(hub.faults, fault).add("model.safetensors")
    with pytest.raises(Exception, match=r"(?i)reset|incomplete|peer closed|broken"):
        pull(tmp_path, "model.safetensors")
    hub.faults.reset()
    assert pull(tmp_path, "model.safetensors") == FILES["model.safetensors"]
