from enas_inr.studies.environment import environment
from tests.reports.report_data import report, study


def test_a_record_knows_its_machine_versions_seeds_and_date():
    known = environment(report(study()))
    assert known["seeds"] == [0]
    assert known["devices"] == ["cpu"]
    assert known["seconds_of_training"] == 9.0
    assert {"date", "processor", "cores", "python", "packages"} <= known.keys()
