"""The GPUs of this machine, by the numbers that CUDA calls them in the order of their slots."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crude_link.errors import CannotStart, CrudeLinkError

#: What tells a process which GPUs it may use, and that they are numbered as NVML and nvidia-smi do.
VISIBLE, ORDER = "CUDA_VISIBLE_DEVICES", ("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
_QUESTION = ("nvidia-smi", "--query-gpu=index", "--format=csv,noheader")
_BY_HAND = "give them by hand with `resources: {GPU: {items: [0, 1]}}`"


def no_gpus() -> Sequence[str]:
    """Find none."""
    raise CannotStart(f"there is no GPU here; {_BY_HAND}")


def found_gpus(environment: Mapping[str, str], output_of: Callable[[Sequence[str]], str]) -> Sequence[str]:
    """Return the GPUs that we may use: those that CUDA_VISIBLE_DEVICES names, else all. CannotStart without any.

    `output_of` runs a program; it raises a CrudeLinkError when that fails.
    """
    if VISIBLE in environment:
        words = [word.strip() for word in environment[VISIBLE].split(",")]
        given = [word for word in words if word and word != "-1"]
        if not given:
            raise CannotStart(f"{VISIBLE} is set and names no GPU")
        return given
    found = _by_nvml()
    if found is None:
        try:
            found = [line.strip() for line in output_of(_QUESTION).splitlines() if line.strip().isdigit()]
        except CrudeLinkError as error:
            raise CannotStart(f"no GPU is found ({error}); {_BY_HAND}") from error
    return found or no_gpus()


def _by_nvml() -> list[str] | None:
    """Ask the driver; None where `nvidia-ml-py` is not installed, or finds no driver."""
    try:
        nvml: Any = importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
        try:
            return [str(number) for number in range(nvml.nvmlDeviceGetCount())]
        finally:
            nvml.nvmlShutdown()
    except nvml.NVMLError:
        return None
