"""Check and measure everything that needs a GPU in one run, and write it as JSON.

Each section is independent of the others: a failure is recorded, and the next section begins. The
file is written after each section, so that an interrupted run keeps what it has. `--device cpu
--quick` runs all that a CPU can do, on small inputs, as a check of this script.

The sections:

- `tests`: the tests of the trainer, some of which need CUDA;
- `commands`: search, fit (stopped by Ctrl-C and resumed), render and info on a picture, a sound and
  a volume;
- `memory`: training with a small part of the memory, in smaller chunks;
- `agreement`: losses of 100 steps and the winner of a search, against those of the CPU;
- `steps`: time of a training step and share of the peak of float32 products (TF32 is off), against
  batched products under autograd with fused Adam, with and without `torch.compile` and CUDA graphs;
- `algorithm`: Algorithm 1 of the paper for several grids, by `enas-inr search`;
- `s4`: 500 steps of the paper's ENRP-S4;
- `large`: a picture of 4096x4096 at grid 64 until it reaches 40 dB.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from gpu_checks import agreement, commands, memory, tests
from gpu_setup import Setup
from gpu_times import algorithm, large, s4, steps

from enas_inr.training.device import device_name, resolve_device

SECTIONS: Mapping[str, Callable[[Setup], Any]] = {
    section.__name__: section
    for section in (tests, commands, memory, agreement, steps, algorithm, s4, large)
}


def machine(setup: Setup) -> dict[str, Any]:
    """Describe what was measured on."""
    return {
        "device": device_name(setup.device),
        "threads": torch.get_num_threads(),
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "triton": importlib.util.find_spec("triton") is not None,
        "image": setup.image,
        "quick": setup.quick,
    }


def attempt(section: Callable[[Setup], Any], setup: Setup) -> dict[str, Any]:
    """Return the result of a section, or its error, and the seconds that it took."""
    started = time.perf_counter()
    try:
        found: dict[str, Any] = {"result": section(setup)}
    except Exception as error:  # the next section may still work
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {error}"}
    return found | {"seconds": round(time.perf_counter() - started, 2)}


def run(setup: Setup, names: Sequence[str], file: Path | None) -> dict[str, Any]:
    """Run sections, and write the file after each of them."""
    report: dict[str, Any] = {"machine": machine(setup), "sections": {}}
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        report["sections"][name] = attempt(SECTIONS[name], setup)
        if file:
            file.write_text(json.dumps(report, indent=2) + "\n")
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sections, and print the report; return 1 if one of them failed."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, mps, xpu or cpu (cuda)")
    parser.add_argument("--quick", action="store_true", help="small inputs: a check of this script")
    parser.add_argument("--image", default="sample:photo", help="picture to use (sample:photo)")
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report here")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="enas-inr-gpu-") as folder:
        image = args.image if args.image.startswith("sample:") else str(Path(args.image).resolve())
        setup = Setup(resolve_device(args.device), args.quick, image, Path(folder))
        report = run(setup, args.only, args.json)
    print(json.dumps(report, indent=2))
    return int(any("error" in section for section in report["sections"].values()))


if __name__ == "__main__":
    sys.exit(main())
