"""What the observer `mlflow` uses of MLflow; imported with it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before the import, which starts it

from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from enas_inr.errors import PluginError, one_line

T = TypeVar("T")

AT_ONCE = 100  # parameters, or metrics, of a request
LONGEST = 500  # characters of a value
SQLITE = "sqlite:///"


class Client:
    """An experiment, without the global state of MLflow.

    Args:
        uri: the tracking URI.
        experiment: name of the experiment, which is made if there is none.

    Raises:
        PluginError: the URI or the experiment cannot be used.
    """

    def __init__(self, uri: str, experiment: str) -> None:
        # Its errors are raised as well, and its notes about new tables tell users nothing.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
        try:
            with _folders_allowed():
                self._client = MlflowClient(tracking_uri=absolute(uri))
                found = self._client.get_experiment_by_name(experiment)
                made = found.experiment_id if found else self._client.create_experiment(experiment)
        except (MlflowException, OSError) as error:
            raise PluginError(
                f"the observer 'mlflow' cannot use experiment {experiment!r}: {one_line(error)}",
                "change its options uri or experiment",
            ) from None
        self._experiment = str(made)

    def find(self, tags: Mapping[str, str]) -> str:
        """Return the latest run with all of these tags; empty if there is none."""
        token = None
        while True:
            page = self._client.search_runs([self._experiment], page_token=token)
            for run in page:
                if all(run.data.tags.get(name) == value for name, value in tags.items()):
                    return str(run.info.run_id)
            token = page.token
            if not token:
                return ""

    def begin(self, name: str, tags: Mapping[str, str], params: Mapping[str, object]) -> str:
        """Begin a run, and return its id."""
        run = self._client.create_run(self._experiment, tags=dict(tags), run_name=name[:LONGEST])
        named = [Param(key, str(value)[:LONGEST]) for key, value in params.items()]
        for some in _batches(named):
            self._client.log_batch(run.info.run_id, params=some)
        return str(run.info.run_id)

    def resume(self, run: str) -> None:
        """Go on with a run that had ended."""
        self._client.update_run(run, status="RUNNING")

    def write(self, run: str, metrics: Mapping[int, Mapping[str, float]]) -> None:
        """Write metrics by step and name."""
        now = round(time.time() * 1000)
        found = [
            Metric(name, value, now, step)
            for step, values in metrics.items()
            for name, value in values.items()
        ]
        for some in _batches(found):
            self._client.log_batch(run, metrics=some)

    def tag(self, run: str, name: str, value: str) -> None:
        """Set a tag of a run."""
        self._client.set_tag(run, name, value[:LONGEST])

    def end(self, run: str, state: str, message: str = "") -> None:
        """End a run with a state of MLflow, and a message as its description."""
        if message:
            self.tag(run, "mlflow.note.content", message)
        self._client.set_terminated(run, state)


def absolute(uri: str) -> str:
    """Return a URI with the whole path of a file or folder, since MLflow keeps it for later."""
    if uri.startswith(SQLITE):
        return SQLITE + str(Path(uri.removeprefix(SQLITE)).absolute())
    return uri if ":" in uri else Path(uri).absolute().as_uri()


def _batches(values: Iterable[T]) -> Iterator[list[T]]:
    left = iter(values)
    while some := list(islice(left, AT_ONCE)):
        yield some


@contextmanager
def _folders_allowed() -> Iterator[None]:
    """Let MLflow 3 keep runs in a folder, if the options say so; it refuses that otherwise."""
    name = "MLFLOW_ALLOW_FILE_STORE"
    before = os.environ.get(name)
    os.environ[name] = before or "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
