"""Make a checkpoint that ships with the package out of a finished run: half precision, and what sampling needs alone.

    python tools/ship.py RUN cdvae/relight --data-name "..." --about "..."

RUN is the folder that ``zoo run`` left. The scores are measured anew on what is shipped, on the run's own test data; the
model's density comes from the whole model, since what is shipped has none. Writes ``checkpoints/FAMILY-TASK/`` and prints
the table for ``registry.toml``. The card of a flow has the command that fits a larger one on a GPU, too.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 6 * 2**20
GPU = {
    "task.size": "128",
    "widths": "96,160,256,256",
    "embedding": "256",
    "batch_size": "128",
    "learning_rate": "0.001",
    "steps": "60000",
}
"""The settings of a larger flow, for hours of a GPU."""


def ship(
    run: Path,
    name: str,
    data_name: str = typer.Option(...),
    about: str = typer.Option(...),
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="KEY=NUMBER of the model, or task.KEY=NUMBER, of samples alone: a fit is the same with any."
        ),
    ] = None,
    data: str = typer.Option("folder:photos", help="What the card calls the data, in its commands."),
    samples: int | None = typer.Option(None, help="Of each test item, to score by; by default as many as the run had."),
) -> None:
    """Ship the checkpoint of ``run`` as ``name``."""
    from zoo.contracts import make
    from zoo.contracts.model import Model
    from zoo.measuring.evaluate import evaluate
    from zoo.measuring.small import keep_golden
    from zoo.utils.files import sha256_of

    record, metrics = (json.loads((run / name).read_text(encoding="utf-8")) for name in ("run.json", "metrics.json"))
    task, seed, train = record["task"], record["seed"], record["data"]["train"]
    source, n = record["data"]["name"], samples or record["n"]
    command = re.sub(r" --out \S+", "", record["command"].replace(source, data)).split(" --metric")[0]
    command = re.sub(r" --items \d+", "", re.sub(r" -n \d+", f" -n {n}", command))
    whole = Model.load(run / "checkpoint")
    for key, _, value in (setting.partition("=") for setting in settings or ()):
        if key.startswith("task."):
            task["config"][key.removeprefix("task.")] = float(value)
        else:
            whole.set_sampling(**{key: value})
        command += f" --set {key}={value}"
    with tempfile.TemporaryDirectory() as scratch:
        whole.save(Path(scratch) / "half", half=True, inference=True)
        half = Model.load(Path(scratch) / "half")
    pairs = make.task(task["name"], **task["config"]).pairs(make.data(source), "test", seed)
    wanted = {m["name"]: make.metric(m["name"]) for m in record["metrics"] if m["name"] != "nll"}
    measured = evaluate(half, pairs, wanted, n, seed=seed).scores
    scores = {name: dataclasses.asdict(score) for name, score in measured.items()}
    scores |= {name: score for name, score in metrics["metrics"].items() if name == "nll"}
    folder = ROOT / "checkpoints" / name.replace("/", "-")
    shutil.rmtree(folder, ignore_errors=True)
    whole.save(
        folder,
        half=True,
        inference=True,
        task=task["name"],
        task_config=task["config"],
        seed=seed,
        data={"name": data, "digest": train["digest"], "items": train["items"]},
        scores=scores,
        card={
            "about": about,
            "licence": "Apache-2.0",
            "data": data_name,
            "command": command,
            "larger": larger(command) if record["model"]["name"] == "flow" else "",
        },
    )
    keep_golden(folder, "error_of_best")
    weights = folder / "model.safetensors"
    if weights.stat().st_size > LARGEST:
        raise SystemExit(f"{weights} has {weights.stat().st_size} bytes; at most {LARGEST} ship")
    rows = ", ".join(f'"{k}" = {v["value"]:.5g}' for k, v in scores.items())
    print(f'[checkpoints."{name}"]\nmodel = "{record["model"]["name"]}"\ntask = "{task["name"]}"')
    print(f'source = "package:{folder.name}"\nsha256 = "{sha256_of(weights)}"\nlicence = "Apache-2.0"')
    print(f'data = "{data_name}"\nmade_by = "{command}"\nscores = {{ {rows} }}')


def larger(command: str) -> str:
    """The command that fits a larger flow than ``command`` does."""
    kept = re.sub(rf" --set ({'|'.join(map(re.escape, GPU))})=\S+", "", command)
    return f"{kept}{''.join(f' --set {key}={value}' for key, value in GPU.items())} --device cuda"


if __name__ == "__main__":
    typer.run(ship)
