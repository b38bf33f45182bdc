"""What can go wrong, command by command, and what brings it about, in a world whose checkpoint lies in ``weights``.

What the user reads then stands in the table at the end of ``docs/hub.md``.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

from hubworld import REPO, World

PULL = ("pull", REPO)
SAMPLE = ("sample", f"hf:{REPO}@main", "photo.png", "-n", "1", "--out", "samples")
PUSH = ("push", "weights", REPO)


class Trap:
    """Unpickled, it would leave a file."""

    def __reduce__(self) -> Any:
        return (exec, ("open('sprung', 'w')",))


def pulled(world: World) -> None:
    """The checkpoint is in the cache."""
    world.put()
    assert world.zoo(*PULL)[0] == 0


def faulty(**faults: Any) -> Callable[[World], None]:
    """The Hub has the checkpoint, and these faults."""

    def make(world: World) -> None:
        world.put()
        world.hub.faults.__dict__.update(faults)

    return make


def older(**faults: Any) -> Callable[[World], None]:
    """The Hub has an older checkpoint, and these faults."""
    return and_then(
        lambda world: world.put(model_safetensors=b"older"), lambda world: world.hub.faults.__dict__.update(faults)
    )


def and_then(*steps: Callable[[World], object]) -> Callable[[World], None]:
    def make(world: World) -> None:
        for step in steps:
            step(world)

    return make


def token(value: str | None) -> Callable[[World], None]:
    def make(world: World) -> None:
        world.patch.setenv("HF_TOKEN", value) if value else world.patch.delenv("HF_TOKEN")

    return make


def offline(world: World) -> None:
    world.patch.setenv("HF_HUB_OFFLINE", "1")


def down(world: World) -> None:
    """Nobody listens where the Hub was."""
    world.patch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")


def spoil(world: World) -> None:
    """The cached weights get another last bit."""
    (weights,) = world.cache.glob("models--*/snapshots/*/model.safetensors")
    blob = weights.resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"\x7f")


def config(**values: Any) -> Callable[[World], None]:
    """The checkpoint on the Hub says something else in its config."""

    def make(world: World) -> None:
        good = json.loads(world.files()["config.json"])
        world.put(config_json=json.dumps({**good, **values}).encode())

    return make


def settings(**values: Any) -> Callable[[World], None]:
    def make(world: World) -> None:
        good = json.loads(world.files()["config.json"])
        config(config={**good["config"], **values})(world)

    return make


def weights(change: Callable[[bytes], bytes]) -> Callable[[World], None]:
    def make(world: World) -> None:
        world.put(model_safetensors=change(world.files()["model.safetensors"]))

    return make


def tensors(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[World], None]:
    """The weights on the Hub are a right safetensors file with other tensors."""

    def changed(content: bytes) -> bytes:
        from safetensors.torch import load, save

        return save(change(load(content)))

    return weights(changed)


def local(**files: bytes | Callable[[bytes], bytes]) -> Callable[[World], None]:
    """The checkpoint to be pushed is not right."""

    def make(world: World) -> None:
        folder = world.path / "weights"
        for name, content in files.items():
            path = folder / name.replace("_json", ".json").replace("_safetensors", ".safetensors")
            path.write_bytes(content(path.read_bytes()) if callable(content) else content)

    return make


def failing(status: int, part: str = "/api/models") -> Callable[[World], None]:
    def make(world: World) -> None:
        world.hub.faults.status[part] = status

    return make


class Outcome(NamedTuple):
    """One fault: in words, what brings it about, the command, its exit code."""

    fault: str
    make: Callable[[World], object]
    words: tuple[str, ...]
    code: int


OUTCOMES = [
    Outcome("wrong bytes of the right size, weights", faulty(corrupt={"model.safetensors"}), PULL, 1),
    Outcome("wrong bytes of the right size, another file", faulty(corrupt={"config.json"}), PULL, 1),
    Outcome("the body is shorter than announced", faulty(short={"model.safetensors"}), PULL, 1),
    Outcome("the body is shorter than the file", faulty(halved={"model.safetensors"}), PULL, 1),
    Outcome("the connection drops", faulty(drop={"model.safetensors"}), PULL, 1),
    Outcome("401: a token that is not accepted", and_then(faulty(), token("wrong")), PULL, 2),
    Outcome("403: access refused", faulty(status={"/api/models": 403}), PULL, 2),
    Outcome("403: a file refused", faulty(status={"/resolve/": 403}), PULL, 2),
    Outcome("404: no such repository", and_then(), PULL, 2),
    Outcome("404: no such revision", faulty(), ("pull", f"{REPO}@v9"), 2),
    Outcome("no such form of a name", and_then(), ("pull", "org/model/more"), 2),
    Outcome("500 at the look-up", faulty(status={"/api/models": 500}), PULL, 1),
    Outcome("500 at a file", faulty(status={"/resolve/": 500}), PULL, 1),
    Outcome("the Hub cannot be reached", and_then(faulty(), down), PULL, 1),
    Outcome("offline, nothing cached", and_then(faulty(), offline), PULL, 1),
    Outcome("offline, cached", and_then(pulled, offline), PULL, 0),
    Outcome("500, cached", and_then(pulled, failing(500)), PULL, 0),
    Outcome(
        "500 at a file of a newer commit, the older one cached",
        and_then(pulled, lambda w: w.put(README_md=b"# New\n"), failing(500, "/resolve/")),
        PULL,
        0,
    ),
    Outcome("the Hub cannot be reached, cached", and_then(pulled, down), PULL, 0),
    Outcome("the repository was deleted, cached", and_then(pulled, lambda w: w.hub.delete(REPO)), PULL, 0),
    Outcome("the cached weights are damaged", and_then(pulled, spoil), PULL, 0),
    Outcome("the cached weights are damaged, offline", and_then(pulled, spoil, offline), PULL, 1),
    Outcome("the repository is no checkpoint", lambda w: w.hub.put(REPO, {"README.md": b"# Hello\n"}), PULL, 2),
    Outcome("a config of 2 MB", lambda w: w.put(config_json=b" " * 2_000_000), PULL, 2),
    Outcome(
        "names like `../evil` and `/evil` in the repository",
        lambda w: (w.put(), w.hub.put(REPO, {"../../../evil": b"x", "/evil": b"x", "a/../../evil": b"x"})),
        PULL,
        0,
    ),
    Outcome(
        "a pickle named `model.safetensors`", lambda w: w.put(model_safetensors=pickle.dumps({"mean": Trap()})), SAMPLE, 2
    ),
    Outcome(
        "a zip file (as `torch.save` writes) named `model.safetensors`",
        lambda w: w.put(model_safetensors=b"PK\x03\x04" + bytes(100)),
        SAMPLE,
        2,
    ),
    Outcome("a header of 10 GB", weights(lambda content: (10**10).to_bytes(8, "little") + content[8:]), SAMPLE, 2),
    Outcome("weights that are cut off", weights(lambda content: content[:-10]), SAMPLE, 2),
    Outcome("an unknown key in the config", config(extra=1), SAMPLE, 2),
    Outcome("an unknown setting of the model", settings(depth=1), SAMPLE, 2),
    Outcome("JSON nested 100,000 deep", lambda w: w.put(config_json=b"[" * 100_000 + b"]" * 100_000), SAMPLE, 2),
    Outcome("a missing tensor", tensors(lambda t: {k: v for k, v in t.items() if k != "mean"}), SAMPLE, 2),
    Outcome("an extra tensor", tensors(lambda t: {**t, "more": t["mean"].clone()}), SAMPLE, 2),
    Outcome("a wrong shape", tensors(lambda t: {**t, "mean": t["mean"][..., :2].clone()}), SAMPLE, 2),
    Outcome("a wrong type", tensors(lambda t: {**t, "mean": t["mean"].double()}), SAMPLE, 2),
    Outcome("a NaN in the weights", tensors(lambda t: {**t, "mean": t["mean"] * float("nan")}), SAMPLE, 2),
    Outcome("a newer schema", config(schema=2), SAMPLE, 2),
    Outcome("a model that is not installed", config(model="tides"), SAMPLE, 2),
    Outcome("shapes of a petabyte", config(x_shape=[1, 10**7, 10**7], y_shape=[1, 10**7, 10**7]), SAMPLE, 2),
    Outcome("a push without a token", token(None), PUSH, 2),
    Outcome("a push with a token that may only read", and_then(faulty(), token("read-only")), PUSH, 2),
    Outcome("a push to somebody else's name", and_then(), ("push", "weights", "other/model"), 2),
    Outcome("412: somebody else pushed meanwhile", faulty(stale=True), PUSH, 1),
    Outcome("the upload of the weights is refused", older(refuse_lfs=True), PUSH, 1),
    Outcome("the large files are refused to this token", older(status={".git/info/lfs": 403}), PUSH, 2),
    Outcome("a push dies halfway", older(die_at_commit=True), PUSH, 1),
    Outcome("a push of a damaged checkpoint", local(model_safetensors=lambda content: content[:-10]), PUSH, 2),
    Outcome("a push of a folder that is no checkpoint", and_then(), ("push", "photos", REPO), 2),
    Outcome("a push while offline", offline, PUSH, 1),
    Outcome("a list while offline", offline, ("list", "--hub"), 1),
]
