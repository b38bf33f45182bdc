"""What can go wrong, command by command, and what brings it about, in a world whose checkpoint lies in ``weights``.

What the user reads then stands in the table at the end of ``docs/reliability.md``.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

from hubworld import REPO, World
from safetensors.torch import load, save

PULL = ("pull", REPO)
SAMPLE = ("sample", f"hf:{REPO}@main", "photo.png", "-n", "1", "--out", "samples")
PUSH = ("push", "weights", REPO)

Step = Callable[[World], object]


class Trap:
    """Unpickled, it would leave a file."""

    def __reduce__(self) -> Any:
        return (exec, ("open('sprung', 'w')",))


def pulled(world: World) -> None:
    world.put()
    assert world.zoo(*PULL)[0] == 0


def offline(world: World) -> None:
    world.patch.setenv("HF_HUB_OFFLINE", "1")


def down(world: World) -> None:
    world.patch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")


def spoil(world: World) -> None:
    (weights,) = world.cache.glob("models--*/snapshots/*/model.safetensors")
    blob = weights.resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"\x7f")


def cut(world: World) -> None:
    path = world.path / "weights" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def older(world: World) -> None:
    world.put(model_safetensors=b"older")


def faults(**values: Any) -> Step:
    return lambda world: world.hub.faults.__dict__.update(values)


def token(value: str) -> Step:
    return lambda world: world.patch.setenv("HF_TOKEN", value)


def put(**files: bytes) -> Step:
    return lambda world: world.put(**files)


def config(**values: Any) -> Step:
    return lambda world: world.put(config_json=json.dumps({**json.loads(world.files()["config.json"]), **values}).encode())


def weights(change: Callable[[bytes], bytes]) -> Step:
    return lambda world: world.put(model_safetensors=change(world.files()["model.safetensors"]))


def tensors(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Step:
    """The weights on the Hub are a right safetensors file with other tensors."""
    return weights(lambda content: save(change(load(content))))


class Outcome(NamedTuple):
    """One fault: in words, the command, its exit code, what brings it about."""

    fault: str
    words: tuple[str, ...]
    code: int
    steps: tuple[Step, ...]


def outcome(fault: str, words: tuple[str, ...], code: int, *steps: Step) -> Outcome:
    return Outcome(fault, words, code, steps)


EVIL = {"../../../evil": b"x", "/evil": b"x", "a/../../evil": b"x"}
NEWER, ZIP = put(README_md=b"# New\n"), b"PK\x03\x04" + bytes(100)
FILE_FAILS = faults(status={"/resolve/": 500})
HUGE = [1, 10**7, 10**7]
OUTCOMES = [
    outcome("wrong bytes of the right size, weights", PULL, 1, put(), faults(corrupt={"model.safetensors"})),
    outcome("wrong bytes of the right size, another file", PULL, 1, put(), faults(corrupt={"config.json"})),
    outcome("the body is shorter than announced", PULL, 1, put(), faults(short={"model.safetensors"})),
    outcome("the body is shorter than the file", PULL, 1, put(), faults(halved={"model.safetensors"})),
    outcome("the connection drops", PULL, 1, put(), faults(drop={"model.safetensors"})),
    outcome("401: a token that is not accepted", PULL, 2, put(), token("wrong")),
    outcome("403: access refused", PULL, 2, put(), faults(status={"/api/models": 403})),
    outcome("403: a file refused", PULL, 2, put(), faults(status={"/resolve/": 403})),
    outcome("404: no such repository", PULL, 2),
    outcome("404: no such revision", ("pull", f"{REPO}@v9"), 2, put()),
    outcome("no such form of a name", ("pull", "org/model/more"), 2),
    outcome("500 at the look-up", PULL, 1, put(), faults(status={"/api/models": 500})),
    outcome("500 at a file", PULL, 1, put(), FILE_FAILS),
    outcome("the Hub cannot be reached", PULL, 1, put(), down),
    outcome("offline, nothing cached", PULL, 1, put(), offline),
    outcome("offline, cached", PULL, 0, pulled, offline),
    outcome("500, cached", PULL, 0, pulled, faults(status={"/api/models": 500})),
    outcome("500 at a file of a newer commit, the older one cached", PULL, 0, pulled, NEWER, FILE_FAILS),
    outcome("the Hub cannot be reached, cached", PULL, 0, pulled, down),
    outcome("the repository was deleted, cached", PULL, 0, pulled, lambda w: w.hub.repos.pop(REPO)),
    outcome("the cached weights are damaged", PULL, 0, pulled, spoil),
    outcome("the cached weights are damaged, offline", PULL, 1, pulled, spoil, offline),
    outcome("the repository is no checkpoint", PULL, 2, lambda w: w.hub.put(REPO, {"README.md": b"# Hello\n"})),
    outcome("a config of 2 MB", PULL, 2, put(config_json=b" " * 2_000_000)),
    outcome("names like `../evil` and `/evil` in the repository", PULL, 0, put(), lambda w: w.hub.put(REPO, EVIL)),
    outcome("a pickle named `model.safetensors`", SAMPLE, 2, put(model_safetensors=pickle.dumps({"mean": Trap()}))),
    outcome("a zip file (as `torch.save` writes) named `model.safetensors`", SAMPLE, 2, put(model_safetensors=ZIP)),
    outcome("a header of 10 GB", SAMPLE, 2, weights(lambda content: (10**10).to_bytes(8, "little") + content[8:])),
    outcome("weights that are cut off", SAMPLE, 2, weights(lambda content: content[:-10])),
    outcome("an unknown key in the config", SAMPLE, 2, config(extra=1)),
    outcome("an unknown setting of the model", SAMPLE, 2, config(config={"spread": 0.1, "layers": 2, "depth": 1})),
    outcome("JSON nested 100,000 deep", SAMPLE, 2, put(config_json=b"[" * 100_000 + b"]" * 100_000)),
    outcome("a missing tensor", SAMPLE, 2, tensors(lambda t: {k: v for k, v in t.items() if k != "mean"})),
    outcome("an extra tensor", SAMPLE, 2, tensors(lambda t: {**t, "more": t["mean"].clone()})),
    outcome("a wrong shape", SAMPLE, 2, tensors(lambda t: {**t, "mean": t["mean"][..., :2].clone()})),
    outcome("a wrong type", SAMPLE, 2, tensors(lambda t: {**t, "mean": t["mean"].double()})),
    outcome("a NaN in the weights", SAMPLE, 2, tensors(lambda t: {**t, "mean": t["mean"] * float("nan")})),
    outcome("a newer schema", SAMPLE, 2, config(schema=2)),
    outcome("a model that is not installed", SAMPLE, 2, config(model="tides")),
    outcome("shapes of a petabyte", SAMPLE, 2, config(x_shape=HUGE, y_shape=HUGE)),
    outcome("a push without a token", PUSH, 2, token("")),
    outcome("a push with a token that may only read", PUSH, 2, put(), token("read-only")),
    outcome("a push to somebody else's name", ("push", "weights", "other/model"), 2),
    outcome("412: somebody else pushed meanwhile", PUSH, 1, put(), faults(stale=True)),
    outcome("the upload of the weights is refused", PUSH, 1, older, faults(refuse_lfs=True)),
    outcome("the large files are refused to this token", PUSH, 2, older, faults(status={".git/info/lfs": 403})),
    outcome("a push dies halfway", PUSH, 1, older, faults(die_at_commit=True)),
    outcome("a push of a damaged checkpoint", PUSH, 2, cut),
    outcome("a push of a folder that is no checkpoint", ("push", "photos", REPO), 2),
    outcome("a push while offline", PUSH, 1, offline),
    outcome("a list while offline", ("list", "--hub"), 1, offline),
]
