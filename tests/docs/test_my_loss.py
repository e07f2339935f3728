"""The guide about losses of one's own: its code runs, and does what the page says."""

import re
from pathlib import Path

import pytest
import torch

import enas_inr
from tests.present import present

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "my-loss.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The names that the code of the page leaves behind."""
    folder = tmp_path_factory.mktemp("guide")
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.chdir(folder)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # more would wait for each other in operations this small
        torch.manual_seed(0)
        for block in BLOCKS:
            exec(block, names)
        torch.set_num_threads(threads)
    return names | {"folder": folder}


def test_a_module_goes_back_to_a_file(made):
    loaded = enas_inr.load(made["folder"] / "mine.inr")
    before = made["model"].header.metrics["psnr_db"]
    assert present(loaded.header.start).source.startswith("the model of ")
    assert loaded.header.metrics["psnr_db"] > before + 10


def test_inpainting_finds_what_was_not_known(made):
    picture, unknown = made["picture"], ~made["known"]
    assert made["psnr"](made["inpainted"][unknown], picture[unknown]) > 33


def test_a_penalty_on_the_laplacian_removes_noise(made):
    psnr, picture = made["psnr"], made["picture"]
    assert psnr(made["smooth"], picture) > psnr(made["plain"], picture) + 4
    assert psnr(made["smooth"], picture) > psnr(made["noisy"], picture) + 6


def test_a_model_through_a_blur_is_better_than_an_interpolation(made):
    psnr, picture = made["psnr"], made["picture"]
    assert psnr(made["blurred"](made["large"]), made["small"]) > 35
    assert psnr(made["large"], picture) > psnr(made["bicubic"], picture) + 1


def test_gradients_alone_give_the_solution_of_the_poisson_equation(made):
    """Compare with the least squares of the same equations in the samples."""
    differences, wanted = [], []
    eye = torch.eye(32 * 32, dtype=torch.float64).reshape(32, 32, -1)
    for along, (_, field) in enumerate(made["fields"]):
        differences.append(eye.diff(dim=along).reshape(-1, 32 * 32))
        wanted.append(field.double().flatten())
    on_frame = made["frame"].flatten().bool()
    differences.append(eye.reshape(-1, 32 * 32)[on_frame])
    wanted.append(made["picture"].double().flatten()[on_frame])
    solution = torch.linalg.lstsq(torch.cat(differences), torch.cat(wanted)).solution
    assert made["psnr"](made["edited"], solution.reshape(32, 32, 1)) > 35
