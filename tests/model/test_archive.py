"""An archive gives its models back exactly, one at a time, or refuses them with one line."""

import json
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

import enas_inr
from enas_inr.errors import EnasInrError, ModelError, SignalError
from enas_inr.model.file import encode
from enas_inr.model.fitting import FitSpec, fit
from enas_inr.model.model import Model
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.spec import EnsembleSpec, TrainingSpec
from tests.model.noise import CATALOG, fitted, noise, opened


@pytest.mark.parametrize("backbone", ["siren", "fourier"])  # one has leaves that are not trained
@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_a_model_is_the_one_of_its_file_bit_by_bit(tmp_path, backbone, precision):
    files = [tmp_path / name for name in ("b.inr", "a.inr")]
    for seed, file in enumerate(files):
        model = fitted(noise(seed, rows=13 + seed), backbone, seed=seed)
        model.save(file, precision=precision)
    size = enas_inr.write_archive(tmp_path / "m.inrs", files, catalog=CATALOG)
    assert size == (tmp_path / "m.inrs").stat().st_size
    with opened(tmp_path / "m.inrs") as archive:
        assert (len(archive), archive.names, list(archive)) == (2, ("b", "a"), ["b", "a"])
        for file in files:
            ours, theirs = archive[file.stem], enas_inr.load(file, catalog=CATALOG)
            assert ours.header == theirs.header == archive.header(file.stem)
            assert torch.equal(ours.render().values, theirs.render().values)
            ours.save(tmp_path / "again.inr", force=True)
            assert (tmp_path / "again.inr").read_bytes() == file.read_bytes()


def test_a_model_is_one_of_an_archive_or_is_named_by_the_nearest(path):
    archive = opened(path)
    assert "noise1" in archive
    assert "noise9" not in archive
    assert 1 not in archive
    with pytest.raises(ModelError, match="did you mean 'noise1'"):
        archive["noise11"]
    with pytest.raises(ModelError, match="did you mean 'noise1'"):
        archive.header("noise11")


def test_a_closed_archive_says_so_and_models_remain(path, models):
    with opened(path) as archive:
        model = archive["noise1"]
    assert torch.equal(model.vector(), models[1].vector())
    with pytest.raises(ModelError, match="is closed"):
        archive["noise1"]


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_complex_models_come_back_bit_by_bit(tmp_path, precision):
    pytest.importorskip("enas_inr_wire")
    training = TrainingSpec(steps=1)
    spec = FitSpec(ensemble=EnsembleSpec(backbone="wire", grid=2, width=4), training=training)
    fit(noise(0), spec, catalog=load_catalog(), device="cpu").model.save(
        tmp_path / "w.inr", precision=precision
    )
    enas_inr.write_archive(tmp_path / "w.inrs", [tmp_path / "w.inr"])
    with enas_inr.open_archive(tmp_path / "w.inrs") as archive:
        archive["w"].save(tmp_path / "again.inr")
        assert torch.equal(archive.dataset()[0]["weights"], archive["w"].vector())
    assert (tmp_path / "again.inr").read_bytes() == (tmp_path / "w.inr").read_bytes()


def test_numbers_learned_from_are_not_written_to_the_file(path):
    before = path.read_bytes()
    item = opened(path).dataset()[0]["weights"]
    item.mul_(0)
    opened(path)["noise0"].blocks[0]["layers.0.weight"].mul_(0)
    assert path.read_bytes() == before


def test_random_bit_flips_are_noticed_when_a_model_is_read(path, models, tmp_path):
    content, generator = path.read_bytes(), random.Random(0)
    damaged = tmp_path / "damaged.inrs"
    messages = []
    for _ in range(400):
        flipped = bytearray(content)
        flipped[generator.randrange(len(flipped))] ^= 1 << generator.randrange(8)
        damaged.write_bytes(flipped)
        messages.append(what_is_wrong(damaged, models))
    assert not any("\n" in message for message in messages)
    # A flipped bit in the padding of the index is harmless.
    assert sum(map(bool, messages)) > 350


def what_is_wrong(path, models) -> str:
    """Read all models; an unexpected error, or another number, fails the test."""
    try:
        for (_, model), expected in zip(opened(path).models(), models, strict=True):
            assert model.header == expected.header
            assert torch.equal(model.vector(), expected.vector())
    except EnasInrError as error:
        return str(error)
    return ""


def test_damage_of_one_model_leaves_the_others(path, models):
    content = bytearray(path.read_bytes())
    weights = models[1].by_cell()["layers.1.weight"].numpy().tobytes()
    content[content.index(weights) + 5] ^= 1
    path.write_bytes(content)
    archive = opened(path)
    assert torch.equal(archive["noise0"].vector(), models[0].vector())
    assert archive.header("noise1") == models[1].header
    with pytest.raises(ModelError, match=r"model 'noise1' of '.*m.inrs' is damaged"):
        archive["noise1"]
    with pytest.raises(ModelError, match="noise1"):
        archive.dataset()[1]


def test_a_damaged_header_is_noticed_when_it_is_listed(path):
    content = path.read_bytes()
    assert content.count(b'"name":"noise2"') == 1
    path.write_bytes(content.replace(b'"name":"noise2"', b'"name":"noise7"'))
    with pytest.raises(ModelError, match=r"noise2.* is damaged"):
        opened(path).header("noise2")


def test_an_archive_cut_off_anywhere_is_noticed(path):
    content = path.read_bytes()
    for length in [1, 7, 8, 100, *range(200, len(content), 1999), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(ModelError) as caught:
            opened(path)
        assert "\n" not in str(caught.value)


def test_other_files_are_no_archives(tmp_path, models):
    with pytest.raises(SignalError, match="cannot be read"):
        opened(tmp_path / "missing.inrs")
    (tmp_path / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    with pytest.raises(ModelError, match="not a model"):
        opened(tmp_path / "p.png")
    models[0].save(tmp_path / "m.inr")
    with pytest.raises(ModelError, match="is one model, and not an archive"):
        opened(tmp_path / "m.inr")
    enas_inr.write_archive(tmp_path / "m.inrs", models, catalog=CATALOG)
    with pytest.raises(ModelError, match="is an archive of models"):
        enas_inr.load(tmp_path / "m.inrs", catalog=CATALOG)


def test_a_newer_version_says_to_update(path):
    content = path.read_bytes()
    version = b'\\"format_version\\":1,\\"models\\"'
    assert content.count(version) == 1
    path.write_bytes(content.replace(version, version.replace(b"1", b"2")))
    with pytest.raises(ModelError, match="update enas-inr"):
        opened(path)


def test_a_missing_plugin_is_named_and_the_numbers_can_be_read(path, models):
    archive = enas_inr.open_archive(path, catalog=Catalog(()))
    with pytest.raises(ModelError, match=r"model 'noise0' of .* needs the backbone 'siren'"):
        archive["noise0"]
    assert torch.equal(archive.dataset()[0]["weights"], models[0].vector())


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (lambda: fitted(noise(1), width=8), "siren M=3 d=1 w=8, 2 -> 3, and 'noise0' is siren M=3"),
        (lambda: fitted(noise(1), "relu"), "relu M=3 d=1 w=9"),
        (lambda: fitted(noise(1, channels=1)), "2 -> 1"),
    ],
)
def test_another_architecture_is_refused_in_one_line(tmp_path, models, other, says):
    with pytest.raises(ModelError, match=says) as caught:
        enas_inr.write_archive(tmp_path / "m.inrs", [models[0], other()], catalog=CATALOG)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_options_that_change_the_leaves_are_another_architecture(tmp_path):
    def of(size: int) -> Model:
        spec = FitSpec(
            ensemble=EnsembleSpec(
                backbone="fourier", options={"mapping_size": size}, grid=2, depth=1, width=4
            ),
            training=TrainingSpec(steps=1),
        )
        return fit(noise(size), spec, catalog=CATALOG, device="cpu").model

    with pytest.raises(ModelError, match=r"'noise5' has other leaves \(mapping, layers.0.weight\)"):
        enas_inr.write_archive(tmp_path / "m.inrs", [of(4), of(5)], catalog=CATALOG)


def test_what_cannot_be_written_is_said_before_anything_is_written(tmp_path, models):
    path = tmp_path / "m.inrs"
    with pytest.raises(ModelError, match="without models"):
        enas_inr.write_archive(path, [], catalog=CATALOG)
    for names, says in [
        (["a", "b"], "2 names for 3 models"),
        (["a", "b", "a"], "two models have the name 'a'"),
        (["a", "b", "../c"], "cannot be the name"),
        (["a", "b", "/c"], "cannot be the name"),
        (["a", "b", ""], "cannot be the name"),
    ]:
        with pytest.raises(ModelError, match=says):
            enas_inr.write_archive(path, models, names=names, catalog=CATALOG)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"precious")
    with pytest.raises(ModelError, match="--force"):
        enas_inr.write_archive(path, models, catalog=CATALOG)
    assert path.read_bytes() == b"precious"


def test_models_of_two_precisions_need_a_third_or_one_of_them(tmp_path, models):
    for name, precision in (("a", "float32"), ("b", "int8")):
        models[0].save(tmp_path / f"{name}.inr", precision=precision)
    files = [tmp_path / "a.inr", tmp_path / "b.inr"]
    with pytest.raises(ModelError, match="'b' has precision int8, and 'a' float32"):
        enas_inr.write_archive(tmp_path / "m.inrs", files, catalog=CATALOG)
    enas_inr.write_archive(tmp_path / "m.inrs", files, precision="int8", catalog=CATALOG)
    one, two = (model for _, model in opened(tmp_path / "m.inrs").models())
    assert torch.equal(one.vector(), two.vector())


def test_a_write_that_fails_leaves_the_old_archive_whole(path, models, tmp_path):
    before = path.read_bytes()
    models[0].save(tmp_path / "a.inr")
    (tmp_path / "b.inr").write_bytes(b"not a model")
    files = [tmp_path / "a.inr", tmp_path / "b.inr"]
    with pytest.raises(ModelError, match=r"b\.inr"):
        enas_inr.write_archive(path, files, force=True, catalog=CATALOG)
    assert path.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"a.inr", "b.inr", "m.inrs"}


def test_another_program_can_read_it(path, models):
    """The file follows docs/format.md: safetensors with a JSON header."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        header = json.loads(file.metadata()["enas_inr_archive"])
        names = json.loads(file.get_tensor("names").tobytes())
        weight = file.get_tensor("leaves.layers.0.weight")
        offsets = file.get_tensor("header_offsets")
        headers = file.get_tensor("headers").tobytes()
    assert names == ["noise0", "noise1", "noise2"]
    assert header["models"] == 3
    assert header["architecture"]["width"] == 9
    assert [leaf["name"] for leaf in header["architecture"]["leaves"]][:2] == [
        "layers.0.weight",
        "layers.0.bias",
    ]
    assert (weight.dtype, weight.shape) == (np.float32, (3, 9, 9, 2))
    assert np.array_equal(weight[1], models[1].by_cell()["layers.0.weight"].numpy())
    text = headers[offsets[1] : offsets[2]].decode()
    assert text == models[1].header.model_dump_json()
    assert text in encode(models[1].header, models[1].blocks).decode(errors="replace").replace(
        '\\"', '"'
    )


# In a process of its own, whose memory is not that of the tests before.
THOUSAND = """
import resource, sys, enas_inr
model, archive = sys.argv[1:]
enas_inr.write_archive(archive + ".first", [model])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
enas_inr.write_archive(archive, [model] * 1000, names=[f"m{n:04}" for n in range(1000)])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""

ONE_OF_MANY = """
import resource, sys, enas_inr
archive = enas_inr.open_archive(sys.argv[1])
archive[archive.names[0]]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
archive[archive.names[500]]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def grown_kb(script, *arguments) -> int:
    """By how much the memory of a process has grown, as its script prints it."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_of_a_thousand_models_one_is_read_and_written_without_the_others(tmp_path):
    model = fitted(noise(0), width=100)  # 0.4 MB, so that all are 400 MB
    model.save(tmp_path / "m.inr", precision="float32")
    archive = tmp_path / "m.inrs"
    assert grown_kb(THOUSAND, tmp_path / "m.inr", archive) < 50_000
    assert archive.stat().st_size > 300_000_000
    assert grown_kb(ONE_OF_MANY, archive) < 20_000
