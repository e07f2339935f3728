"""The study files that come with the package, which are found by their names."""

from __future__ import annotations

from pathlib import Path

from enas_inr.errors import SpecError
from enas_inr.validation import nearest

PACKAGE = Path(__file__).parents[1]
FOLDER = Path("studies")
"""The folder in which a clone of the repository, and by default a user, keeps study files."""


def shipped_folder() -> Path:
    """Return the folder of the study files that come with this version.

    A wheel has them within the package; an editable installation uses those of the repository.
    """
    packaged = PACKAGE / "study_files"
    return packaged if packaged.is_dir() else PACKAGE.parent / FOLDER


def shipped_studies() -> dict[str, Path]:
    """Return the study files that come with this version, by their names."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.toml"))}


def find_study_file(given: str | Path) -> Path:
    """Return the path of a study file.

    Args:
        given: a path, or the name of a study that comes with this version, such as `table1_image`.
            The path that such a study has in the repository, `studies/table1_image.toml`, works
            without a clone as well.

    Raises:
        SpecError: there is neither such a file nor such a study.
    """
    path = Path(given)
    if path.is_file() or "\0" in str(given):
        return path
    shipped = shipped_studies()
    is_name = path.parent in (Path(), FOLDER)
    if is_name and not path.exists() and path.name.removesuffix(".toml") in shipped:
        return shipped[path.name.removesuffix(".toml")]
    if len(path.parts) == 1 and not path.suffix and not path.exists():
        raise SpecError(
            f"study file {path} cannot be read: no file and no study that comes with enas-inr has "
            "this name",
            nearest(path.name, shipped) + " (`enas-inr study list`)",
        )
    return path


def is_shipped(name: str) -> bool:
    """Whether a text is the name of a study that comes with this version."""
    return name in shipped_studies()
