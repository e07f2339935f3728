"""A real Ray cluster, shared by the tests that need one."""

import os

import pytest

DEADLY = '''
import os, signal
from enas_inr.backbones.siren import Siren
from enas_inr.backbones.options import SirenOptions

class DeadlyOptions(SirenOptions):
    folder: str = ""
    deaths: int = 0

class Deadly(Siren):
    """Kills its process, the first few times."""

    def __init__(self, options):
        super().__init__(options)
        self._folder, self._deaths = options.folder, options.deaths

    def init(self, shape, seeds):
        died = len(os.listdir(self._folder))
        if shape.width == 16 and died < self._deaths:
            open(f"{self._folder}/{died}", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().init(shape, seeds)
'''

WRONG = """
import torch
from enas_inr.backbones.base import Backbone
from enas_inr.cost import NetCost

class Wrong(Backbone):
    def init(self, shape, seeds):
        return {"weight": torch.zeros(len(seeds), 3)}

    def forward(self, shape, params, x):
        return x * params["weight"][:, None, :1]

    def cost(self, shape):
        return NetCost(3, 3)
"""


@pytest.fixture(scope="package")
def modules(tmp_path_factory):
    """A folder from which workers import."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "deadly.py").write_text(DEADLY)
    (folder / "wrong.py").write_text(WRONG)
    return folder


@pytest.fixture(scope="package")
def cluster(modules):
    """A head with one core; its processes import from `modules`."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(modules), os.getcwd()]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # as urgent as the tests, which wait for them
        # On a busy machine a node may be slow to answer; a dead one refuses at once.
        patch.setenv("RAY_health_check_timeout_ms", "60000")
        patch.syspath_prepend(str(modules))
        head = {"num_cpus": 1, "include_dashboard": True, "dashboard_port": 0}
        made = Cluster(initialize_head=True, head_node_args=head)
        yield made
        made.shutdown()


@pytest.fixture
def second_node(cluster):
    node = cluster.add_node(num_cpus=1)
    yield node
    if node in cluster.list_all_nodes():
        cluster.remove_node(node, allow_graceful=False)
