"""One model fitted by one, two and four processes of ``accelerate launch ... zoo run``, on CPUs: are the weights equal?

    python tools/launch.py [--model l1] [--task toy] [--steps 100] [--batch 62]

The batch is that of all processes together, here one that cannot be shared out evenly. The weights of each process are
compared with those of the other processes of the launch, which have to be the same to the bit, and with those of one process,
which have to be the same but for rounding, since sums over a batch are taken in another order. Leaves with 1 where they are
not. The model is one without noise in its losses: each process draws noise of its own, as it has pairs of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

ROUNDING = 1e-4
"""Of the largest weight of a tensor, at most."""
KEEPING = """
import os, sys
import zoo.running.run as running
from safetensors.torch import save_file
execute = running.execute
def keeping(request):
    result = execute(request)
    tensors = {key: value.contiguous() for key, value in result.model.state_dict().items()}
    save_file(tensors, f"{os.environ['KEEP']}-{os.environ.get('RANK', '0')}")
    return result
running.execute = keeping
from zoo.cli import main
sys.argv = ["zoo", *sys.argv[1:]]
main()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--model", default="l1")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--task", default="toy")
    parser.add_argument("--batch", type=int, default=62)
    asked = parser.parse_args()
    right, first = True, dict[str, torch.Tensor]()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "keeping.py"
        script.write_text(KEEPING)
        for count in (1, 2, 4):
            words = ["run", "--model", asked.model, "--task", asked.task, "--device", "cpu", "--out", f"{folder}/run{count}"]
            words += ["-n", "2", "--items", "4", "--metric", "error_of_best", "--set", f"training.steps={asked.steps}"]
            words += ["--set", f"training.batch_size={asked.batch}"]
            # Its --cpu starts several processes through MPI only; --multi_gpu starts them by itself, and --device holds.
            launch = ["accelerate.commands.launch", "--multi_gpu" if count > 1 else "--cpu", "--num_processes", str(count)]
            launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
            keep = f"{folder}/weights{count}"
            env = {**os.environ, "OMP_NUM_THREADS": "1", "KEEP": keep}
            began = time.monotonic()
            command = [sys.executable, "-m", *launch, str(script), *words]
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr[-3000:])
            own = [load_file(f"{keep}-{rank}") for rank in range(count)]
            kept = load_file(f"{folder}/run{count}/checkpoint/model.safetensors")
            first = first or own[0]
            alike = all(torch.equal(one[key], own[0][key]) for one in own[1:] for key in one)
            apart = max(distance(own[0][key], first[key]) for key in first)
            stored = max(distance(own[0][key], kept[key]) for key in kept)
            what = f"equal on each to the bit: {alike}; from those of one process: {apart:.1e} of the largest"
            print(f"{count} processes, {time.monotonic() - began:.0f} s: weights {what}; saved: {stored == 0}", flush=True)
            right &= alike and apart < ROUNDING and stored == 0
    sys.exit(not right)


def distance(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference, as a share of the largest value."""
    return float((ours.double() - theirs.double()).abs().max() / theirs.double().abs().max().clamp_min(1e-12))


if __name__ == "__main__":
    main()
