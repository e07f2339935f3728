"""The descriptions of the observers `tensorboard` and `mlflow` for enas-inr."""

from enas_inr.hookspecs import Observer, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_observers() -> list[Observer]:
    """Return the descriptions of both."""
    return [
        Observer(
            name="tensorboard",
            summary="curves and a table of the trials for TensorBoard, in a folder",
            target="enas_inr_tracking.event_files:TensorBoard",
            options="enas_inr_tracking.options:TensorBoardOptions",
            citation="https://www.tensorflow.org/tensorboard",
        ),
        Observer(
            name="mlflow",
            summary="runs in MLflow: one for a search, with one for each trial inside",
            target="enas_inr_tracking.runs:MLflow",
            options="enas_inr_tracking.options:MLflowOptions",
            citation="https://mlflow.org",
        ),
    ]
