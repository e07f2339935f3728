"""How long a model takes in onnxruntime, and how much memory, beside `render`.

It fits `sample:photo` at 96x96 (for a few steps: the numbers do not matter, and no rendering is
smaller, which would be a mean over areas), exports the model, and evaluates
pictures of some sizes in both, each in a process of its own. The memory is the peak of the resident
set above that before the first evaluation, with the session or the model loaded. The largest
difference of the values says that both do the same.

    python benchmarks/onnx_export.py [--points 20000 80000 307200] [--runs 5]

prints a table. Both use the threads that `OMP_NUM_THREADS` allows, or all.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

POINTS = (20_000, 80_000, 307_200)


def peak_mb() -> float:
    """Return the peak of the memory of this process in MB."""
    status = Path("/proc/self/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+)", status)
    assert match
    return int(match[1]) * 1.024e-3


def size_of(points: int) -> tuple[int, int]:
    """Return rows and columns, about 3 to 4, of so many points."""
    rows = math.isqrt(points * 3 // 4)
    while points % rows:
        rows -= 1
    return rows, points // rows


def measure(kind: str, folder: Path, points: int, runs: int) -> None:
    """Evaluate so many points, and print the seconds, the memory and the place of the values."""
    import numpy as np
    import torch

    rows, columns = size_of(points)
    evaluate: Callable[[], object]
    if kind == "render":
        import enas_inr

        model = enas_inr.load(folder / "m.inr")
        evaluate = lambda: model.render(size=(rows, columns)).values.numpy().reshape(points, -1)  # noqa: E731
    else:
        onnxruntime: Any = import_module("onnxruntime")

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(
            folder / "m.onnx", options, providers=["CPUExecutionProvider"]
        )
        down, across = ((np.arange(n) * 2 + 1) / n - 1 for n in (rows, columns))
        grid = np.stack(np.meshgrid(down, across, indexing="ij"), axis=-1)
        given = {"coordinates": grid.reshape(points, 2).astype(np.float32)}
        evaluate = lambda: session.run(["values"], given)[0]  # noqa: E731
    before, seconds = peak_mb(), []
    for _ in range(runs + 1):
        started = time.perf_counter()
        values = evaluate()
        seconds.append(time.perf_counter() - started)
    used = peak_mb() - before
    np.save(folder / f"{kind}.npy", values)
    print(json.dumps({"seconds": statistics.median(seconds[1:]), "mb": used, "peak_mb": peak_mb()}))


def main() -> None:
    """Print the table, or measure one row of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="*", default=POINTS)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--measure", nargs=2, metavar=("KIND", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        kind, folder = given.measure
        measure(kind, Path(folder), given.points[0], given.runs)
        return
    import numpy as np

    import enas_inr
    from enas_inr.model.export import export

    with TemporaryDirectory() as folder:
        fitted = enas_inr.fit("sample:photo", size=96, steps=20, output=f"{folder}/m.inr")
        export(fitted.model, Path(folder, "m.onnx"), "onnx")
        size = os.path.getsize(f"{folder}/m.onnx")
        print(f"{fitted.model.header.ensemble.label()}, {size:,} bytes of ONNX\n")
        print("| points | render s | MB | ONNX s | MB | peak MB | s / s | difference |")
        print("|---|---|---|---|---|---|---|---|")
        for points in given.points:
            found = {}
            for kind in ("render", "onnx"):
                command = [sys.executable, __file__, "--measure", kind, folder]
                command += ["--points", str(points), "--runs", str(given.runs)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found[kind] = json.loads(done.stdout)
            ours, theirs = (np.load(Path(folder, f"{kind}.npy")) for kind in ("render", "onnx"))
            render, onnx = found["render"], found["onnx"]
            print(
                f"| {points:,} | {render['seconds']:.3f} | {render['mb']:.0f} "
                f"| {onnx['seconds']:.3f} | {onnx['mb']:.0f} | {onnx['peak_mb']:.0f} "
                f"| {onnx['seconds'] / render['seconds']:.2f} | {np.abs(ours - theirs).max():.1e} |"
            )


if __name__ == "__main__":
    main()
