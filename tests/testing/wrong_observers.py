"""Observers, each with one fault."""

from enas_inr.observers.base import Observer


class Silent(Observer):
    """Has no fault."""


class Changing(Observer):
    def search_started(self, start):
        start.spec.strategy.options["seen"] = True


class Printing(Observer):
    def trial_finished(self, result):
        print("trial", result.trial.number)


class Counting(Observer):
    """Takes the numbers of trials for their names."""

    def __init__(self):
        self.running = {}

    def trial_started(self, trial):
        self.running[trial.number] = trial.configuration.key()

    def trial_finished(self, result):
        if self.running[result.trial.number] != result.key:
            raise KeyError(result.trial.number)


class Hasty(Observer):
    """Expects a PSNR."""

    def trial_finished(self, result):
        round(result.psnr_db, 2)


class Proud(Observer):
    """Expects a best trial."""

    def search_ended(self, end):
        end.best.trial.number  # noqa: B018
