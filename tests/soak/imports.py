"""What a command imports, for the process from which commands are forked."""

import optuna
import pandas
import torch

import enas_inr.api.fit_group
import enas_inr.api.study
import enas_inr.cli.app
import enas_inr.executors.local
import enas_inr.studies.store

__all__ = ["enas_inr", "optuna", "pandas", "torch"]
