import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "plugins.py"


def test_the_benchmark_lists_its_plugins_and_nothing_without_them():
    spec = importlib.util.spec_from_file_location("benchmarks_plugins", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    seconds = module.measure(rounds=1, count=2)  # counts what is listed
    assert [len(took) for took in seconds.values()] == [1, 1, 1]
