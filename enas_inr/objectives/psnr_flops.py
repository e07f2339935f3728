"""The paper's score: PSNR minus weighted log FLOPs (Algorithm 1)."""

from __future__ import annotations

import math
from typing import final

from enas_inr.objectives.base import Objective
from enas_inr.objectives.options import PsnrFlopsOptions
from enas_inr.result import TrialResult
from enas_inr.spec import PSNR_OFFSET_DB


@final
class PsnrFlops(Objective):
    """`20 log10(1/L) - alpha log10(FLOPs)`, with L the RMSE on data in [-1, 1].

    The first term is the PSNR in the paper's convention, averaged over the repeats, and up to a
    ceiling if there is one.
    """

    def __init__(self, options: PsnrFlopsOptions = PsnrFlopsOptions()) -> None:
        self._alpha, self._ceiling = options.alpha, options.ceiling_db

    def score(self, result: TrialResult) -> float:
        """Score a complete trial."""
        assert result.psnr_paper_db is not None, "only complete trials are scored"
        psnr = result.psnr_paper_db
        if self._ceiling is not None:
            psnr = min(psnr, self._ceiling - PSNR_OFFSET_DB)
        return psnr - self._alpha * math.log10(result.trial.cost.flops)
