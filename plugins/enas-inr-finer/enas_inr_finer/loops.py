"""The compiled loop of the sine with a variable period; imported when training on a CPU."""

import numpy as np

from enas_inr.backbones.layered import Rows
from enas_inr.backbones.loops import compiled, far, sincos, sincos_far


@compiled
def variable_sine_loop(omega: np.float32, z: Rows, out: Rows) -> None:
    """Write sin(omega (|z| + 1) z) to `out`, and its slope over `z`."""
    one, two = np.float32(1), np.float32(2)
    for member in range(z.shape[0]):
        for feature in range(z.shape[1]):
            row, values = z[member, feature], out[member, feature]
            for point in range(row.size):
                values[point] = (np.abs(row[point]) + one) * row[point] * omega
            if far(values[: row.size]):
                for point in range(row.size):
                    sine, cosine = sincos_far(values[point])
                    values[point] = sine
                    row[point] = cosine * omega * (two * np.abs(row[point]) + one)
            else:
                for point in range(row.size):
                    sine, cosine = sincos(values[point])
                    values[point] = sine
                    row[point] = cosine * omega * (two * np.abs(row[point]) + one)
