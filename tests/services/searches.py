"""The search that is disturbed, and what is compared and looked for."""

import logging
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from enas_inr.errors import logger
from enas_inr.studies.reading import read_study
from tests.services.servers import PASSWORD

SPACE: dict[str, Any] = {"grid": 2, "widths": [4, 6, 8], "depths": [1, 2]}
SEARCH: dict[str, Any] = {
    "size": 8, "steps": 2, "repeats": 1, "device": "cpu", "strategy": "exhaustive",
    "strategy_options": {"racing": False}, "floor_db": -99,
}  # fmt: skip
LINE = (
    "search sample:photo --size 8 --grid 2 --widths 4,6,8 --depths 1,2 --steps 2 --repeats 1 "
    "--device cpu --strategy exhaustive --no-racing --floor -99 --study"
)
SECRETS = ("SECRET", PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""))


def outcome(trial):
    return trial.trial.number, trial.key, trial.status, round(trial.psnr_db, 4)


def stored(server, name):
    return [outcome(trial) for trial in read_study(name, server.url())[1]]


def secret_in(text):
    return [secret for secret in SECRETS if secret in text]


@contextmanager
def restarted_when_missed(server):
    """Start the server again as soon as somebody says that it does not answer."""

    class Restarting(logging.Handler):
        def emit(self, record):
            said.append(record.getMessage())
            if "does not answer" in said[-1]:
                server.start()

    said: list[str] = []
    handler = Restarting()
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
