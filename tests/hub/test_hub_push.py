"""Pushing with the real client: the round trip, the card, one commit for everything, and the list of what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import hubapi
import numpy as np
import pytest
import torch
from hubworld import REPO, TOKEN, World
from huggingface_hub import HfApi, ModelCard
from PIL import Image

import zoo
from zoo.catalog import checkpoints
from zoo.hub import push as push_module
from zoo.hub.pull import pull
from zoo.hub.push import push
from zoo.hub.search import search
from zoo.hub.source import parse
from zoo.measuring.small import keep_golden
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import sha256_of

SHIPPED = Path(__file__).parents[2] / "checkpoints" / "cdvae-relight"


def picture(path: Path) -> None:
    Image.new("RGB", (4, 4)).save(path)


def test_what_is_pulled_samples_as_what_was_pushed(here: World) -> None:
    """A shipped checkpoint: same samples to the bit, and verified by what was pushed with it."""
    pushed = push(SHIPPED, REPO)
    loaded = zoo.load(str(pushed.source), device="cpu")
    assert pushed.sha256 == sha256_of(SHIPPED / "model.safetensors")
    x = torch.rand(2, *loaded.model.x_shape, generator=torch.Generator().manual_seed(0))
    before = zoo.Model.load(SHIPPED).sample(x, 3, seed=1)
    assert torch.equal(loaded.model.sample(x, 3, seed=1), before)
    photo = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    own = zoo.load(f"dir:{SHIPPED}", device="cpu")
    assert np.array_equal(loaded.sample(photo, 2, seed=2).images, own.sample(photo, 2, seed=2).images)
    code, out, _ = here.zoo("verify", str(pushed.source))
    assert code == 0, out


def test_everything_goes_in_one_commit(here: World) -> None:
    folder = here.checkpoint()
    keep_golden(folder)
    picture(folder / "samples.png")
    here.hub.put(REPO, {"paper.pdf": b"%PDF", ".gitattributes": b""})
    pushed = push(folder, REPO, message="First\n\nwords")
    repo = here.hub.repos[REPO]
    assert len(repo.commits) == 2, "the one that was there, and ours"
    assert pushed.source.revision == here.hub.head(REPO)
    names = {"paper.pdf", "README.md", "config.json", "model.safetensors", "golden.safetensors", "samples.png"}
    assert here.hub.files(REPO).keys() - {".gitattributes"} == names, "other files stay"
    assert push(folder, REPO).source == pushed.source, "nothing new makes no commit"
    for name in ("golden.safetensors", "samples.png"):
        (folder / name).unlink()
    push(folder, REPO)
    assert len(repo.commits) == 3
    assert here.hub.files(REPO).keys() - {".gitattributes"} == names - {"golden.safetensors", "samples.png"}


def test_a_run_is_pushed_with_its_picture(here: World) -> None:
    (here.path / "run").mkdir()
    here.checkpoint("run/checkpoint")
    picture(here.path / "run" / "samples.png")
    (here.path / "run" / "run.json").write_text("{}")
    code, _, err = here.zoo("push", "run", REPO)
    assert code == 0
    assert "--licence" in err, "that none is named is said"
    assert here.hub.files(REPO).keys() >= {"samples.png", "model.safetensors"}
    assert "run.json" not in here.hub.files(REPO)
    assert b"](samples.png)" in here.hub.files(REPO)["README.md"]


def test_the_card_has_what_the_hub_reads(here: World) -> None:
    folder = here.checkpoint(card={"about": "Negatives.", "data": "Photos of ours.", "command": "zoo run --model toy-wide"})
    picture(folder / "samples.png")
    push(folder, REPO, licence="Apache-2.0")
    card = here.hub.files(REPO)["README.md"].decode()
    facts = hubapi.front_matter(card.encode())
    assert facts["license"] == "apache-2.0"
    assert facts["library_name"] == "cond-zoo"
    assert facts["pipeline_tag"] == "image-to-image"
    assert {"cond-zoo", "toy-wide", "toy-shade", "cond-zoo-model=toy-wide", "cond-zoo-task=toy-shade"} <= set(facts["tags"])
    assert facts["weights_bytes"] == (folder / "model.safetensors").stat().st_size
    (model,) = facts["model-index"]
    (result,) = model["results"]
    assert (model["name"], result["dataset"]) == ("model", {"type": "folder", "name": "folder:photos"})
    assert result["metrics"] == [{"type": "toy-best", "name": "toy-best@3", "value": 0.0123}]
    assert result["task"]["type"] == "image-to-image"
    own = ("Negatives.", "Photos of ours.", "zoo run --model toy-wide", f'zoo.load("hf:{REPO}@main")', "](samples.png)")
    for words in (*own, "0.01 to 0.02"):
        assert words in card
    assert any("validate-yaml" in path for _, path in here.hub.requests)
    (score,) = ModelCard(card).data.eval_results or ()  # as the client itself reads it
    assert (score.metric_name, score.metric_value, score.dataset_name) == ("toy-best@3", 0.0123, "folder:photos")


def test_a_dry_run_shows_what_would_be_pushed_and_asks_nothing(here: World) -> None:
    folder = here.checkpoint()
    picture(folder / "samples.png")
    here.patch.setenv("HF_TOKEN", "")
    here.patch.setenv("HF_HUB_OFFLINE", "1")
    code, out, err = here.zoo("push", "weights", REPO, "--licence", "mit", "--dry-run")
    assert (code, err, here.hub.requests) == (0, "", [])
    shown = json.loads(here.zoo("push", "weights", REPO, "--licence", "mit", "--dry-run", "--json")[1])
    assert out.endswith(shown["card"])
    here.patch.delenv("HF_HUB_OFFLINE")
    here.patch.setenv("HF_TOKEN", TOKEN)
    push(folder, REPO, licence="mit")
    pushed = {name: len(content) for name, content in here.hub.files(REPO).items()}
    assert {name: pushed[name] for name in pushed if name != ".gitattributes"} == shown["files"]
    assert here.hub.files(REPO)["README.md"].decode() == shown["card"]
    for name, size in shown["files"].items():
        assert re.search(rf"^  {re.escape(name)} +{size:,} bytes$", out, re.M)


def test_a_card_is_pushed_as_it_was_written(here: World) -> None:
    """A person's own words stay; pulled and pushed elsewhere, the card names its new place once."""
    folder = here.checkpoint(card={"licence": "CC-BY-4.0"})
    readme = folder / "README.md"
    readme.write_text(readme.read_text() + "\n## Thanks\n\nTo all.\n")
    push(folder, REPO)
    assert here.zoo("pull", REPO, "--out", "copy")[0] == 0
    push(here.path / "copy", "org/second")
    card = here.hub.files("org/second")["README.md"].decode()
    assert "To all." in card
    assert hubapi.front_matter(card.encode())["license"] == "cc-by-4.0"
    assert re.findall(r"zoo\.load\(.*", card) == [
        'zoo.load("hf:org/second@main")  # or @ a commit of this repository, to pin it'
    ]
    push(here.path / "copy", "org/second", licence="mit")
    assert hubapi.front_matter(here.hub.files("org/second")["README.md"])["license"] == "mit"


def test_the_printed_block_registers_it(here: World) -> None:
    here.checkpoint()
    code, out, err = here.zoo("push", "weights", REPO, "--private", "--licence", "apache-2.0", "-m", "New")
    assert (code, err) == (0, "")
    assert here.hub.repos[REPO].private
    block = out[out.index("[checkpoints.") :]
    registry = here.path / "registry.toml"
    registry.write_text("schema = 1\n" + block)
    here.patch.setenv("ZOO_REGISTRY", str(registry))
    one = checkpoints.find(REPO)
    assert (one.name, one.model, one.task, one.licence) == (REPO, "toy-wide", "toy-shade", "apache-2.0")
    assert one.source == f"hf:{REPO}@{here.hub.head(REPO)}"
    assert one.scores == {"toy-best@3": 0.0123}
    assert one.size == (here.path / "weights" / "model.safetensors").stat().st_size
    assert checkpoints.folder_of(checkpoints.find(REPO)).name == here.hub.head(REPO)
    code, out, err = here.zoo("push", "weights", REPO, "--licence", "apache-2.0", "--json")
    facts = json.loads(out)
    assert (code, facts["commit"], facts["load"]) == (0, here.hub.head(REPO), one.source)
    assert facts["sha256"] == one.sha256


def test_a_card_that_the_hub_does_not_take_is_said(here: World) -> None:
    def refuse(*_: Any) -> Any:
        raise hubapi.HubError(400, "", "Bad", errors=[{"message": '"license" must be one of the known ones'}], warnings=[])

    here.checkpoint()
    routes = [(verb, path, refuse if "validate-yaml" in path else made) for verb, path, made in hubapi.ROUTES]
    here.patch.setattr(hubapi, "ROUTES", routes)
    code, _, err = here.zoo("push", "weights", REPO, "--licence", "mine")
    assert code == 2
    assert "the Hub does not take the card" in err
    assert '"license" must be one of the known ones' in err
    assert "model.safetensors" not in here.hub.files(REPO)


def test_a_model_pushes_itself(here: World) -> None:
    loaded = zoo.load(f"dir:{here.checkpoint()}", device="cpu")
    pushed = loaded.model.push_to_hub("org/bare", licence="mit", seed=3)
    assert pushed.registry_block() == "", "it names no task"
    again = zoo.Model.load(pull(pushed.source).folder)
    x = torch.rand(2, 1, 4, 4)
    assert torch.equal(again.sample(x, 2, seed=0), loaded.model.sample(x, 2, seed=0))
    assert (pull(pushed.source).folder / "golden.safetensors").is_file()
    pushed = loaded.push_to_hub("org/whole", private=True)
    assert here.hub.repos["org/whole"].private
    assert zoo.load(str(pushed.source), device="cpu").facts == loaded.facts


def test_a_race_is_lost_by_one_and_harms_nothing(here: World) -> None:
    """Somebody commits between the look and ours: with the real answer of the Hub, not an ordered one."""
    push(here.checkpoint(), REPO)
    folder = here.checkpoint("other", seed=4)
    look = HfApi.model_info

    def slow(self: HfApi, *words: Any, **more: Any) -> Any:
        found = look(self, *words, **more)
        here.hub.put(REPO, {"theirs.txt": b"theirs"})
        return found

    here.patch.setattr(HfApi, "model_info", slow)
    with pytest.raises(ZooError, match="somebody else changed it meanwhile") as caught:
        push(folder, REPO)
    assert caught.value.exit_code == 1
    assert json.loads(here.hub.files(REPO)["config.json"])["seed"] == 3
    assert here.hub.files(REPO)["theirs.txt"] == b"theirs"


@pytest.mark.parametrize(
    ("repo", "message"),
    [("model", "ORG/REPO"), ("org/model@main", "leave out the revision"), ("../model", "ORG/REPO"), ("cdvae", "ORG/REPO")],
)
def test_a_wrong_place_is_refused_before_anything_is_asked(here: World, repo: str, message: str) -> None:
    folder = here.checkpoint()
    with pytest.raises(RequestError, match=message):
        push(folder, repo)
    assert here.hub.requests == []


def test_what_nobody_could_pull_is_not_pushed(here: World) -> None:
    folder = here.checkpoint()
    (folder / "golden.safetensors").write_bytes(b"not golden")
    with pytest.raises(RequestError, match="holds no golden samples"):
        push(folder, REPO)
    (folder / "golden.safetensors").unlink()
    here.patch.setitem(push_module.LIMITS, "README.md", 10)
    with pytest.raises(RequestError, match="a pull takes at most 10"):
        push(folder, REPO)
    assert here.hub.requests == []
    for bad in ("nowhere", "."):
        with pytest.raises(RequestError, match=r"no folder|neither a checkpoint nor a run"):
            push(here.path / bad, REPO)


def test_the_list_follows_pages_and_words(here: World) -> None:
    here.hub.page_size = 2
    folder = here.checkpoint()
    for i in range(5):
        push(folder, f"org/toy-{i}", licence="mit" if i % 2 else None)
    here.hub.put("org/unrelated", {"README.md": b"---\ntags:\n- other\n---\n"})
    push(folder, "org/hidden", private=True)
    here.patch.setenv("HF_TOKEN", "")
    found, more = search()
    assert ({one.repo_id for one in found}, more) == ({f"org/toy-{i}" for i in range(5)}, False)
    assert {(one.model, one.task) for one in found} == {("toy-wide", "toy-shade")}
    assert {one.size for one in found} == {(folder / "model.safetensors").stat().st_size}
    assert sum("/api/models?" in path for _, path in here.hub.requests) >= 3
    assert {one.repo_id for one in search(["MIT", "toy"])[0]} == {"org/toy-1", "org/toy-3"}
    assert search(["toy-shade", "tides"]) == ([], False)
    few, more = search([], most=2)
    assert (len(few), more) == (2, True)
    code, out, err = here.zoo("list", "--hub", "toy-3")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == ["REPOSITORY", "MODEL", "TASK", "UPDATED", "SIZE", "LICENCE"]
    row = out.splitlines()[1].split()
    assert (row[:3], row[-1]) == (["org/toy-3", "toy-wide", "toy-shade"], "mit")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", row[3])
    here.patch.setattr("zoo.hub.search.search.__defaults__", ((), 2))
    code, out, err = here.zoo("list", "--hub")
    assert (code, len(out.splitlines())) == (0, 3)
    assert "there are more than these 2" in err
    assert "no checkpoint on the Hub has the words 'tides'" in here.zoo("list", "--hub", "tides")[1]


def test_what_a_card_claims_of_itself_cannot_break_the_list(here: World) -> None:
    card = "---\ntags:\n- cond-zoo\n- cond-zoo-model=a\x1b[2J\u202e\nweights_bytes: many\nlicense: mit\n---\n"
    here.hub.put("org/odd", {"README.md": card.encode()})
    ((found,), _) = search()
    assert (found.repo_id, found.model, found.size, found.licence) == ("org/odd", "a\x1b[2J\u202e", 0, "mit")
    assert "org/odd     a\\x1b[2J\\u202e" in here.zoo("list", "--hub")[1]
    assert parse(found.repo_id)
