"""Which device to work on."""

from __future__ import annotations

import torch

from zoo.utils.errors import RequestError, shown


def pick(device: str | torch.device = "auto") -> torch.device:
    """The device called ``device``; ``"auto"`` is CUDA where there is one, else MPS, else the CPU.

    Raises:
        RequestError: there is no such kind of device, or none on this machine.

    Examples:
        >>> pick("cpu")
        device(type='cpu')
    """
    if device == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(name)
    try:
        chosen = torch.device(device)
    except Exception as error:  # torch tells what it cannot read in many ways
        raise RequestError(f"device is {shown(device)}; it must be auto, cpu, cuda, cuda:1, mps or the like") from error
    if chosen.type == "meta":
        raise RequestError("device is 'meta', which holds no numbers; use auto, cpu, cuda or mps")
    try:
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise RequestError(f"device {str(device)!r} is not available on this machine; use auto or cpu") from error
    return chosen
