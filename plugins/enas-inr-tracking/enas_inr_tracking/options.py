"""The options of both observers; without the libraries."""

from pydantic import Field

from enas_inr.spec import Options


class TensorBoardOptions(Options):
    """Options of `tensorboard`.

    Attributes:
        folder: folder of the runs, for `tensorboard --logdir`.
        every: least seconds between two values of the progress of one trial or fit.
    """

    folder: str = Field(default="runs", min_length=1)
    every: float = Field(default=1.0, ge=0)


class MLflowOptions(Options):
    """Options of `mlflow`.

    Attributes:
        uri: the tracking URI: a database, a folder such as mlruns, or an MLflow server.
        experiment: name of the experiment, which is made if there is none.
        every: least seconds between two values of the progress of one trial or fit.
    """

    uri: str = Field(default="sqlite:///mlflow.db", min_length=1)
    experiment: str = Field(default="enas-inr", min_length=1)
    every: float = Field(default=1.0, ge=0)
