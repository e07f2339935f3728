import pytest

from enas_inr.backbones.options import FourierOptions, ReluOptions, SirenOptions
from enas_inr.spec import EnsembleSpec, SignalInfo
from enas_inr.spec.recipe import PROFILES

IMAGE = SignalInfo(name="photo", modality="image", shape=(12, 16), channels=3)


AUDIO = SignalInfo(name="chord", modality="audio", shape=(32_000,), channels=1, sample_rate=16_000)
TUNED, SMOOTH = PROFILES["tuned"], PROFILES["smooth"]


@pytest.mark.parametrize(("signal", "omega"), [(IMAGE, 30), (AUDIO, 3000)])
def test_the_first_frequency_of_siren_depends_on_the_modality(signal, omega):
    assert SirenOptions().resolve(signal, 8).omega_first == omega
    assert SirenOptions().resolve(signal, 8).omega_hidden == 30
    assert SirenOptions(omega_first=60).resolve(signal, 8).omega_first == 60


@pytest.mark.parametrize("model", [SirenOptions, ReluOptions, FourierOptions])
@pytest.mark.parametrize(
    ("grid", "bias"), [(1, "fan_in"), (2, "fan_in"), (4, "fan_product"), (32, "fan_product")]
)
def test_the_papers_biases_depend_on_the_grid(model, grid, bias):
    assert model().resolve(IMAGE, grid).bias_init == bias
    assert model(bias_init="zeros").resolve(IMAGE, grid).bias_init == "zeros"


def test_options_that_are_settled_stay():
    for model in (SirenOptions, ReluOptions, FourierOptions):
        settled = model().resolve(AUDIO, 8)
        assert settled.resolve(IMAGE, 1) == settled


@pytest.mark.parametrize(("frames", "omega"), [(500 * 8, 405.7), (2000 * 8, 542.8), (8, 110.0)])
def test_the_fitted_omega_of_a_sound_follows_from_the_samples_of_a_cell(frames, omega):
    sound = AUDIO.model_copy(update={"shape": (frames,)})
    assert SirenOptions().fitted(sound, 8, TUNED).omega_first == omega
    assert SirenOptions().fitted(sound, 8, TUNED).omega_hidden == 30
    assert SirenOptions(omega_first=60).fitted(sound, 8, TUNED).omega_first == 60


def test_between_the_samples_a_first_layer_has_no_more_periods_than_the_samples_hold():
    sound = AUDIO.model_copy(update={"shape": (8 * 100,)})
    assert SirenOptions().fitted(sound, 8, TUNED).omega_first == 289.3
    assert SirenOptions().fitted(sound, 8, SMOOTH).omega_first == 157.1


@pytest.mark.parametrize(("shape", "sigma"), [((800,), 72), ((8, 8), 7), ((8, 8, 8), 4)])
def test_the_fitted_sigma_depends_on_the_axes_and_the_samples_of_a_sound(shape, sigma):
    signal = IMAGE.model_copy(update={"shape": shape})
    assert FourierOptions().fitted(signal, 2, TUNED).sigma == sigma
    assert FourierOptions().fitted(signal, 2, SMOOTH).sigma == 10
    assert FourierOptions(sigma=10).fitted(signal, 2, TUNED).sigma == 10


def test_an_extent_counts_as_the_samples_of_a_small_cell_of_a_sound():
    short, long = (AUDIO.model_copy(update={"shape": (8 * n,)}) for n in (9, 72))
    assert SirenOptions().fitted(short, 8, SMOOTH) == SirenOptions().fitted(long, 8, SMOOTH)


def test_the_fitted_omegas_of_a_picture_depend_on_whether_values_between_samples_count():
    tuned, smooth = (SirenOptions().fitted(IMAGE, 8, training) for training in (TUNED, SMOOTH))
    assert (tuned.omega_first, tuned.omega_hidden) == (45, 30)
    assert (smooth.omega_first, smooth.omega_hidden) == (40, 15)


@pytest.mark.parametrize(
    ("width", "depth", "omegas"),
    [(4, 2, (28, 11)), (5, 2, (33.1, 12.7)), (16, 2, (40, 15)), (4, 1, (40, 15))],
)
def test_deep_networks_of_few_parameters_have_lower_omegas_between_the_samples(
    width, depth, omegas
):
    picture = IMAGE.model_copy(update={"shape": (256, 256)})
    network = EnsembleSpec(grid=16, width=width, depth=depth)
    found = SirenOptions().sized(picture, network, SMOOTH).fitted(picture, 16, SMOOTH)
    assert (found.omega_first, found.omega_hidden) == pytest.approx(omegas, abs=0.15)
    given = SirenOptions(omega_hidden=20.0).sized(picture, network, SMOOTH)
    assert given.omega_hidden == 20


def test_a_volume_has_a_lower_fitted_omega_and_none_between_the_samples():
    volume = IMAGE.model_copy(update={"shape": (12, 16, 14)})
    assert SirenOptions().fitted(volume, 4, TUNED).omega_first == 20
    assert SirenOptions().fitted(volume, 4, SMOOTH) == SirenOptions()


def test_an_option_that_was_given_is_not_fitted_even_if_it_is_the_default():
    given = SirenOptions(omega_hidden=30).fitted(IMAGE, 8, SMOOTH)
    assert (given.omega_first, given.omega_hidden) == (40, 30)
    settled = SirenOptions().resolve(IMAGE, 8)
    assert settled.fitted(IMAGE, 8, SMOOTH).omega_first == 30
