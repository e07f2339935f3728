"""Tasks on a real cluster, and fits of many signals as such tasks."""

import os
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import enas_inr
from enas_inr.errors import SpecError, TrainingError
from enas_inr.executors.options import RayOptions
from enas_inr.executors.ray import tasks as ray_tasks
from enas_inr.executors.ray.cluster import connect
from enas_inr.executors.ray.tasks import Task, Tasks
from tests.executors.ray.on_workers import dies, dies_once, divided, waits

ray = pytest.importorskip("ray")

SETTINGS: dict[str, Any] = {"grid": 2, "width": 8, "steps": 40}


@pytest.fixture(scope="module")
def two_nodes(cluster):
    node = cluster.add_node(num_cpus=1)
    yield cluster
    cluster.remove_node(node, allow_graceful=False)


@pytest.fixture
def connected(two_nodes):
    cluster = two_nodes
    with ExitStack() as at_end:
        connect(RayOptions(address=cluster.address), "tests", at_end)
        yield cluster


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        noise = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((20 + number % 2, 20)).save(folder / f"{number}.png")
    return folder


def numbers(path) -> torch.Tensor:
    leaves = [leaf for block in enas_inr.load(path).blocks for leaf in block.values()]
    return torch.cat([leaf.flatten() for leaf in leaves])


def tasks(count):
    return [Task(number, f"task {number}", number) for number in range(count)]


def test_each_task_has_its_result_or_its_error(connected):
    pool = Tasks(divided, 6.0, "tests")
    found = {task.number: result for task, result in pool.run(tasks(4), 2)}
    assert {number: found[number] for number in (1, 2, 3)} == {1: 6.0, 2: 3.0, 3: 2.0}
    assert isinstance(found[0], TrainingError)
    assert "division by zero" in str(found[0])


def test_a_task_whose_worker_dies_is_tried_again_and_not_for_ever(connected, tmp_path):
    said: list[str] = []
    pool = Tasks(dies_once, tmp_path, "tests", say=said.append)
    assert {result for _, result in pool.run(tasks(2), 1)} == {0, 1}
    assert sum("its worker died" in line for line in said) == 2
    ((_, error),) = Tasks(dies, None, "tests").run(tasks(1), 1, RayOptions(retries=1))
    assert "its worker died 2 times" in str(error)


def test_running_tasks_are_asked_to_stop_and_others_are_not_started(connected):
    begun: list[int] = []
    pool = Tasks(waits, None, "tests", lambda: bool(begun), lambda number, _: begun.append(number))
    assert [(task.number, result) for task, result in pool.run(tasks(3), 1)] == [(0, "stopped")]


def test_more_jobs_than_there_is_room_for_are_refused(connected):
    with pytest.raises(SpecError, match=r"no room for 50 jobs .*; give at most \d+$"):
        list(Tasks(divided, 1.0, "tests").run(tasks(3), 50))


def test_fits_on_workers_are_those_of_this_process(connected, photos, tmp_path, monkeypatch):
    """The paths are relative to the folder of this process."""
    monkeypatch.chdir(tmp_path)
    seen: list[str] = []
    start = ray_tasks._Pool.start

    def see(pool, function):
        seen.append(pool.waiting[0].name)
        start(pool, function)

    monkeypatch.setattr(ray_tasks._Pool, "start", see)
    shown: list[float] = []
    result = enas_inr.fit_many(
        "photos",
        output="models",
        jobs=2,
        on_progress=lambda progress: shown.append(progress.done),
        **SETTINGS,
    )
    here = enas_inr.fit_many("photos", output="here", **SETTINGS)
    assert seen == [f"fit {n + 1:04} {name}" for n, name in enumerate([0, 2, 4, 1, 3, 5])]
    assert [row.status.value for row in result.rows] == ["fitted"] * 6
    for ours, expected in zip(result.rows, here.rows, strict=True):
        assert ours.path == f"models/{ours.name}.inr"
        assert torch.equal(numbers(ours.path), numbers(expected.path))
        assert ours.psnr_db == expected.psnr_db
    os.unlink(result.rows[3].path)
    again = enas_inr.fit_many("photos", output="models", jobs=1, **SETTINGS)
    assert [row.status.value for row in again.rows] == ["kept"] * 3 + ["fitted"] + ["kept"] * 2


def test_a_failure_on_a_worker_is_a_row(connected, photos, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "2.inr.checkpoint").write_text("these are notes")
    result = enas_inr.fit_many(photos, output=tmp_path / "models", jobs=1, **SETTINGS)
    assert [row.name for row in result.failed] == ["2"]
    assert "2.inr.checkpoint' is damaged" in result.failed[0].message


def test_stopped_fits_go_on_without_ray(connected, photos, tmp_path, monkeypatch):
    """The workers are stopped as soon as they have begun, and leave checkpoints."""
    begun: list[str] = []
    settings = SETTINGS | {"steps": 2000, "profile": "tuned"}
    start = ray_tasks._Pool.start

    def see(pool, function):
        begun.append(pool.waiting[0].name)
        start(pool, function)

    monkeypatch.setattr(ray_tasks._Pool, "start", see)
    monkeypatch.setattr(ray_tasks, "LOOK_SECONDS", 0.01)
    stopped = enas_inr.fit_many(
        photos,
        output=tmp_path / "models",
        jobs=2,
        limit=2,
        should_stop=lambda: bool(begun),
        **settings,
    )
    assert not stopped.finished
    assert list((tmp_path / "models").glob("*.checkpoint"))
    result = enas_inr.fit_many(photos, output=tmp_path / "models", limit=2, **settings)
    whole = enas_inr.fit_many(photos, output=tmp_path / "whole", limit=2, **settings)
    assert result.finished
    assert not list((tmp_path / "models").glob("*.checkpoint"))
    for ours, expected in zip(result.rows, whole.rows, strict=True):
        assert torch.equal(numbers(ours.path), numbers(expected.path))
