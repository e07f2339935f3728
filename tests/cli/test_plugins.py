import enas_inr
from enas_inr.plugins.catalog import load_catalog
from enas_inr.plugins.loading import KINDS
from tests.command_line import call, plain


def test_plugins_are_listed_as_json_with_where_they_come_from():
    listed = call("--no-plugins plugins list --json").json
    assert listed["broken"] == []
    assert [(p["kind"], p["name"]) for p in listed["plugins"]] == [
        (p.description.kind, p.description.name) for p in load_catalog(plugins=False).providers
    ]
    assert {p["kind"] for p in listed["plugins"]} == set(KINDS)
    siren = next(p for p in listed["plugins"] if p["name"] == "siren")
    assert siren.pop("citation").startswith("Sitzmann et al.")
    assert siren.pop("initialisation").startswith("weights U")
    assert siren == {
        "kind": "backbone",
        "learning_rate": 1e-4,
        "options": "enas_inr.backbones.options:SirenOptions",
        "target": "enas_inr.backbones.siren:Siren",
        "name": "siren",
        "summary": "sine activations",
        "distribution": "enas-inr",
        "version": enas_inr.__version__,
    }


def test_plugins_are_listed_for_people():
    printed = plain(call("--no-plugins plugins list").out)
    for provider in load_catalog(plugins=False).providers:
        assert provider.description.name in printed
        assert str(provider.origin) in printed
