"""What the sections of `gpu.py` share: the settings of a run, and calls of the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

T = TypeVar("T")

CALL = "from enas_inr.cli.main import main; raise SystemExit(main())"
LONGEST = 900.0  # seconds of a command


@dataclass(frozen=True)
class Setup:
    """The settings of a run.

    Attributes:
        device: device to check.
        quick: whether inputs are small.
        image: file or sample of the picture.
        folder: folder for files, which is removed at the end.
    """

    device: torch.device
    quick: bool
    image: str
    folder: Path

    def choose(self, full: T, quick: T) -> T:
        """Return one of two values, for a full or a quick run."""
        return quick if self.quick else full

    def output(self, *arguments: str, device: bool = True) -> str:
        """Run `enas-inr` with these arguments, and return what it prints.

        Raises:
            RuntimeError: it failed; the message is the end of its error output.
        """
        code, output, errors = self.call(arguments, device=device)
        if code:
            raise RuntimeError(f"enas-inr {' '.join(arguments)}: exit code {code}: {errors[-500:]}")
        return output

    def call(
        self, arguments: Sequence[str], *, device: bool = True, stop_after: float | None = None
    ) -> tuple[int, str, str]:
        """Run `enas-inr`; return its exit code, output and error output.

        Args:
            arguments: its arguments.
            device: whether to add the device.
            stop_after: seconds after which it is stopped as by Ctrl-C.
        """
        added = ["--device", str(self.device)] if device else []
        process = subprocess.Popen(
            [sys.executable, "-c", CALL, *arguments, *added],
            cwd=self.folder,
            env={**os.environ, "COLUMNS": "200"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if stop_after is not None:
            time.sleep(stop_after)
            process.send_signal(signal.SIGINT)
        try:
            output, errors = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
        return process.returncode, output, errors
