"""The constants of sine and cosine in float32, for the loops on a CPU and on a GPU."""

from __future__ import annotations

import math

# pi/2 in three parts. Products of the first two with integers below 2**16 are exact.
QUARTERS = 2 / math.pi
HIGH = 201 / 2**7
MIDDLE = round((math.pi / 2 - HIGH) * 2**19) / 2**19
LOW = math.pi / 2 - HIGH - MIDDLE

FARTHEST = 100_000.0  # below 2**16 * pi/2

# Minimax polynomials on [-pi/4, pi/4]: Moshier, Cephes, `sinf.c`.
SINE = -1.6666654611e-1, 8.3321608736e-3, -1.9515296e-4
COSINE = 4.1666645683e-2, -1.3887316255e-3, 2.4433157e-5
