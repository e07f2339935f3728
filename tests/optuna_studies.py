"""Studies as plain Optuna opens them."""

import weakref

import optuna
from optuna.storages.journal import JournalFileBackend


def plain_storage(storage):
    """Open a database (its URL), or a journal (`journal:` and a path)."""
    if storage.startswith("journal:"):
        backend = JournalFileBackend(storage.removeprefix("journal:"))
        return optuna.storages.JournalStorage(backend)
    opened = optuna.storages.RDBStorage(storage)
    weakref.finalize(opened, opened.engine.dispose)  # Optuna leaves its connections open
    return opened


def plain_optuna(storage, name="s"):
    """Return a study."""
    return optuna.load_study(study_name=name, storage=plain_storage(storage))
