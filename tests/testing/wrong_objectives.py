"""Objectives with one fault each, except `Right`."""

import math
import statistics

from enas_inr.objectives.base import Objective


class Right(Objective):
    def score(self, result):
        return result.psnr_paper_db - math.log10(result.trial.cost.bytes)


class Whole(Right):
    def score(self, result):
        return round(super().score(result))


class Infinite(Right):
    def score(self, result):
        return super().score(result) if result.psnr_paper_db > 0 else -math.inf


class OnlyRepeats(Right):
    def score(self, result):
        return super().score(result) - statistics.stdev(r.psnr_db for r in result.repeats)


class Counting(Right):
    scored = 0

    def score(self, result):
        self.scored += 1
        return super().score(result) + self.scored


class Noting(Right):
    def score(self, result):
        result.versions["scored"] = "yes"
        return super().score(result)


class Rmse(Right):
    def score(self, result):
        return 10 ** (-result.psnr_paper_db / 20)


class Lavish(Right):
    def score(self, result):
        return super().score(result) + math.log10(result.trial.cost.flops)
