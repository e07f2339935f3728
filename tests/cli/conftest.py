import math
import struct
import zlib

import numpy as np
import pytest
import soundfile
from PIL import Image

from enas_inr.plugins.provider import DISABLE_VARIABLE


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_broken_files(folder):
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "good.png")
    content = (folder / "good.png").read_bytes()
    (folder / "cut.png").write_bytes(content[: len(content) // 2])
    (folder / "text.png").write_text("these are my notes\n" * 20)
    (folder / "nothing.png").touch()
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    huge = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))
    (folder / "huge.png").write_bytes(huge + chunk(b"IEND", b""))
    waves = {"nan": [0.0, math.nan, 0.5], "empty": [], "good": [0.0, 0.25, 0.5]}
    for name, wave in waves.items():
        samples = np.array(wave, dtype=np.float32)
        soundfile.write(folder / f"{name}.wav", samples, 8000, subtype="FLOAT")
    (folder / "notes.db").write_text("these are my notes, and no database\n" * 100)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """The default storage is a file in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv(DISABLE_VARIABLE, "")


@pytest.fixture(scope="module")
def broken_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    write_broken_files(folder)
    return folder
