"""Run loops for GPUs on a CPU, in a process of its own: Triton decides when it is imported.

Called as `interpreted.py NUMBERS.npz RESULTS.npz`. NUMBERS has an array for each name, and the part
of the name before the first dash names the activation. RESULTS has their values and slopes.
"""

import sys

import numpy as np
import torch
from enas_inr_finer.finer import VariablePeriodicSine
from enas_inr_gauss.gauss import Bell

from enas_inr.backbones.relu import Rectifier
from enas_inr.backbones.siren import Sine
from tests.present import present

ACTIVATIONS = {
    "sine": Sine(),
    "rectifier": Rectifier(),
    "finer": VariablePeriodicSine(30.0),
    "gauss": Bell(),
}


def main(numbers: str, results: str) -> None:
    found: dict[str, np.ndarray] = {}
    for name, array in np.load(numbers).items():
        loop = present(ACTIVATIONS[name.partition("-")[0]].gpu_loop())
        z = torch.from_numpy(array)
        members, features, points = z.shape
        out = torch.full((members, features + 1, points), 7.0)
        loop(z, out)
        found |= {f"{name}.value": out.numpy(), f"{name}.slope": z.numpy()}
    np.savez(results, allow_pickle=False, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
