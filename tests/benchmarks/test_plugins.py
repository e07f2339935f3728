from tests.scripts import BENCHMARKS, script


def test_the_benchmark_lists_its_plugins_and_nothing_without_them():
    with script(BENCHMARKS / "plugins.py") as module:
        seconds = module.measure(rounds=1, count=2)  # counts what is listed
    assert [len(took) for took in seconds.values()] == [1, 1, 1]
