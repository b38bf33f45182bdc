"""What brings each fault about, in a world whose checkpoint lies in ``weights``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hubworld import REPO, World

PULL = ("pull", REPO)


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


def huge_header(content: bytes) -> bytes:
    return (10**10).to_bytes(8, "little") + content[8:]


def stale(world: World) -> None:
    """Somebody else's commit comes between."""
    world.put()
    world.hub.faults.stale = True


def local(**files: bytes | Callable[[bytes], bytes]) -> Callable[[World], None]:
    """The checkpoint to be pushed is not right."""

    def make(world: World) -> None:
        folder = world.path / "weights"
        for name, content in files.items():
            path = folder / name.replace("_json", ".json").replace("_safetensors", ".safetensors")
            path.write_bytes(content(path.read_bytes()) if callable(content) else content)

    return make


def nothing(world: World) -> None:
    pass


def deleted(world: World) -> None:
    world.hub.delete(REPO)


def failing(status: int, part: str = "/api/models") -> Callable[[World], None]:
    def make(world: World) -> None:
        world.hub.faults.status[part] = status

    return make
