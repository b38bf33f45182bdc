"""The checkpoints that come with the package."""

from __future__ import annotations

import dataclasses
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from calls import call_here
from shared import shared_data

import zoo
from zoo.catalog import checkpoints
from zoo.catalog.verify import verify
from zoo.contracts import make
from zoo.fitting.recipe import Training
from zoo.measuring.evaluate import evaluate
from zoo.running.plan import Request
from zoo.utils.config import make_config
from zoo.utils.errors import RequestError

NAMES = [name for name, (one, *_) in checkpoints.known().named.items() if one.source.startswith("package:")]
SLOW = {"cpixel": 3, "flow": 3}
"""Families that take long to sample: as many samples as their scores are checked with, instead of 100."""


VERIFIED = ("flow/complete", "flow/attributes")
"""Whose scores take long, or need other data; of the first one is checked as it is verified."""


DECIDED_BY_DATA = {"names", "exclusive"}
"""Settings of tasks that no command names, as the data has them."""


def photo(height: int = 48, width: int = 64) -> np.ndarray:
    """Two coloured halves under a ramp of light."""
    image = np.zeros((height, width, 3))
    image[:, : width // 2], image[:, width // 2 :] = (200, 120, 60), (60, 140, 200)
    return (image * np.linspace(0.5, 1, height)[:, None, None]).astype(np.uint8)


@pytest.fixture(scope="module", params=NAMES)
def loaded(request: pytest.FixtureRequest) -> Iterator[zoo.Loaded]:
    """Each of them, loaded and used without a network."""

    def refuse(*_: object) -> None:
        raise AssertionError("it went to the network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        yield zoo.load(request.param, device="cpu")


def test_it_samples(loaded: zoo.Loaded) -> None:
    words = loaded.task.choices() is not None
    item = "Smiling, No_Beard" if words else photo()
    samples = loaded.sample(item, 20, seed=0)
    images = np.asarray(samples)
    assert images.shape == (20, *((128, 128) if words else (48, 64)), 3)
    assert images.dtype == np.uint8
    assert np.array_equal(images, np.asarray(loaded.sample(item, 20, seed=0)))
    spread = images.astype(float).std(0)
    assert spread[spread > 0].mean() > 2, "the samples do not differ"
    assert torch.isfinite(samples.fields).all()
    assert checkpoints.find(loaded.name).model in loaded.card


def test_one_colour(loaded: zoo.Loaded) -> None:
    if loaded.task.choices() is not None:
        return  # it starts from words
    colours = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 30, 30)]
    for colour, samples in zip(
        colours, loaded.sample([np.full((30, 40, 3), colour, np.uint8) for colour in colours], 5, seed=0), strict=True
    ):
        assert torch.isfinite(samples.fields).all()
        if len(set(colour)) == 1 and not loaded.name.endswith(("/colorize", "/complete", "/motion")):  # arrows have colours
            assert np.ptp(np.asarray(samples).astype(int), axis=3).max() <= 1, "a grey photo took on a colour"


def test_it_is_small_and_its_scores_are_those_that_are_registered(loaded: zoo.Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = checkpoints.find(loaded.name)
    assert (loaded.folder / "model.safetensors").stat().st_size <= 6 * 2**20
    if loaded.name in VERIFIED:
        return
    source = json.loads((loaded.folder / "config.json").read_text())["data"]["name"]
    pairs = loaded.task.pairs(make.data(f"folder:{shared_data('photos')}" if source == "folder:photos" else source), "test")
    n = SLOW.get(loaded.name.partition("/")[0], 100)
    measured = ("error_of_best", "variance", "energy_score") if n == 100 else ("error_of_best",)
    metrics = {metric: make.metric(metric) for metric in measured}
    for metric in metrics.values():  # what another's x would cost is not registered
        monkeypatch.setattr(metric, "gains", False)
    scores = evaluate(loaded.model, pairs, metrics, n).scores
    assert f"error_of_best@{n}" in scores
    for name, score in scores.items():
        assert score.value == pytest.approx(entry.scores[name], rel=0.01), name


@pytest.mark.parametrize("name", NAMES)
def test_it_is_verified(name: str) -> None:
    found = verify(name)
    last = "skipped" if name == "flow/attributes" else "ok"  # the package has no faces to score it by
    assert [step.outcome for step in found.steps] == ["ok", "ok", "ok", last], found.steps


def asked_for(command: str, monkeypatch: pytest.MonkeyPatch) -> Request:
    """What ``zoo run``, typed so, would do."""
    asked: list[Request] = []

    def execute(request: Request) -> None:
        asked.append(request)
        raise RequestError("that is enough")

    monkeypatch.setattr("zoo.running.run.execute", execute)
    assert call_here(*command.removeprefix("zoo ").split()).err == "zoo: that is enough\n"
    return asked[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_command_that_made_it_has_the_settings_that_it_has(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a default is another since."""
    entry, loaded = checkpoints.find(name), zoo.load(name, device="cpu")
    assert f"## How it was made\n\n```\n{entry.made_by}\n```" in loaded.card
    request = asked_for(entry.made_by, monkeypatch)
    assert (request.model, request.task) == (entry.model, entry.task)
    task = make.task(entry.task, **request.parts["task"])
    with torch.device("meta"):
        model = make.model(entry.model, task.x_shape, task.y_shape, **request.parts["model"])
    assert dataclasses.asdict(model.config) == dataclasses.asdict(loaded.model.config)
    asked, own = (dataclasses.asdict(of.config) for of in (task, loaded.task))
    assert {key for key in own if asked[key] != own[key]} <= DECIDED_BY_DATA
    make_config(Training, request.parts["training"], "training")


@pytest.mark.parametrize("name", NAMES)
def test_its_scores_are_better_in_the_direction_of_their_metrics(name: str) -> None:
    scores = json.loads((checkpoints.folder_of(checkpoints.find(name)) / "config.json").read_text())["scores"]
    assert {"variance", "energy_score"} <= scores.keys()
    ways = {key: make.class_of("metrics", key.partition("@")[0]).better for key in scores if not key.startswith("x_gain@")}
    assert {key: scores[key]["better"] for key in ways} == ways


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("flow/")])
def test_the_larger_flow_that_its_card_tells_of_can_be_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    card = (checkpoints.folder_of(checkpoints.find(name)) / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"## Larger, on a GPU\n\n```\n(zoo run .*)\n```", card)
    request = asked_for(command, monkeypatch)
    task = make.task(request.task or "", **request.parts["task"])
    assert (request.device, task.y_shape[-1]) == ("cuda", 128)
    with torch.device("meta"):
        model = make.model(request.model or "", task.x_shape, task.y_shape, **request.parts["model"])
    assert sum(p.numel() for p in model.parameters()) > 10**7
    make_config(Training, request.parts["training"], "training")


def test_it_is_scored_by_all_metrics_and_says_which_it_cannot_have(tmp_path: Path) -> None:
    result = zoo.run(checkpoint="cdvae/relight", n=3, items=2, out=tmp_path / "run", progress=False)
    assert "whole model" in result.skipped["nll"]
    assert {"error_of_best@3", "variance", "energy_score"} <= result.scores.keys()
