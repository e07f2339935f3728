"""Measure the time of `enas-inr plugins list` with ten plugins whose backbones import torch.

The ten distributions are created in a temporary folder, as pip would install them. Each command is
run in a process of its own. The commands alternate, so that other programs slow all of them down.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PLUGIN = """
from enas_inr.hookspecs import Backbone, hookimpl

ENAS_INR_API = 1

@hookimpl
def enas_inr_backbones():
    return [
        Backbone(name="b{number}", summary="of the benchmark", target="bench_{number}_net:Net")
    ]
"""
NET = "import torch\nfrom enas_inr.backbones.siren import Siren as Net\n"
MAIN = "from enas_inr.cli.main import main; main()"
NOTHING = "python -c pass"
WITHOUT = "plugins list, no plugin"
WITH = "plugins list, {count} plugins"


def install(folder: Path, count: int) -> None:
    """Write `count` distributions with one plugin each."""
    for number in range(count):
        (folder / f"bench_{number}_plugin.py").write_text(PLUGIN.format(number=number))
        (folder / f"bench_{number}_net.py").write_text(NET)
        metadata = folder / f"bench_{number}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: bench-{number}\nVersion: 1.0\n"
        )
        (metadata / "entry_points.txt").write_text(
            f"[enas_inr]\nbench-{number} = bench_{number}_plugin\n"
        )


def run(code: str, arguments: Sequence[str], folders: Sequence[str]) -> tuple[float, str]:
    """Run Python in a process, and return its seconds and its output."""
    path = os.pathsep.join(filter(None, [*folders, os.environ.get("PYTHONPATH", "")]))
    started = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - started, process.stdout


def measure(rounds: int, count: int) -> Mapping[str, list[float]]:
    """Return the seconds of each command in each round, after one round that is not counted."""
    root = str(Path(__file__).parent.parent)
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder), count)
        listing = ["plugins", "list"]
        commands = {
            NOTHING: ("pass", [], [root]),
            WITHOUT: (MAIN, listing, [root]),
            WITH.format(count=count): (MAIN, listing, [root, folder]),
        }
        for number in range(rounds + 1):
            for name, command in commands.items():
                took, printed = run(*command)
                shown = printed.count("of the benchmark")
                assert shown == (count if command[2][1:] else 0), printed
                if number:
                    seconds.setdefault(name, []).append(took)
    return seconds


def main() -> None:
    """Print a row for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--plugins", type=int, default=10)
    parser.add_argument("--json", help="also write all measurements to this file")
    options = parser.parse_args()
    seconds = measure(options.rounds, options.plugins)
    print(f"{'command':<28}{'median s':>10}{'minimum s':>11}{'/ none':>8}{'/ python':>10}")
    medians = {name: statistics.median(took) for name, took in seconds.items()}
    for name, took in seconds.items():
        ratios = medians[name] / medians[WITHOUT], medians[name] / medians[NOTHING]
        print(
            f"{name:<28}{medians[name]:>10.3f}{min(took):>11.3f}{ratios[0]:>8.2f}{ratios[1]:>10.1f}"
        )
    if options.json:
        Path(options.json).write_text(json.dumps(seconds, indent=2))


if __name__ == "__main__":
    main()
