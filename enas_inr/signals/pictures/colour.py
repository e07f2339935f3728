"""Colour profiles (ICC): kept where a picture can have them, and otherwise converted to sRGB."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from functools import cache
from io import BytesIO

from PIL import Image, ImageCms
from pydantic import JsonValue

from enas_inr.errors import one_line, warn_once

LARGEST = 2**20
"""Bytes of a profile that is kept, in a model as well."""

_SHORTEST = 128  # bytes of the header of a profile
_SPACES = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK", b"Lab ": "LAB"}
_WORDS = {"LAB": "CIELab"}


def mode_of(profile: bytes) -> str | None:
    """Return the mode of the pictures that a profile is for; None if it is no profile."""
    if not _SHORTEST <= len(profile) <= LARGEST or profile[36:40] != b"acsp":
        return None
    return _SPACES.get(profile[16:20])


def kept_profile(image: Image.Image, profile: bytes, what: str) -> tuple[Image.Image, bytes]:
    """Return an image with the profile that it can keep, converted to sRGB if that is another.

    Gray with alpha is stored as RGBA, so that a profile of gray cannot be kept with it. What is
    converted or left out is said.

    Args:
        image: a loaded image of gray, a palette or RGB, with or without alpha.
        profile: its profile, or nothing.
        what: name of the picture in messages.
    """
    if not profile:
        return image, b""
    mode = mode_of(profile)
    is_gray = image.mode in ("1", "L") or image.mode.startswith("I")
    becomes_gray = is_gray and "transparency" not in image.info
    if mode == ("L" if becomes_gray else "RGB"):
        return image, profile
    if mode == "L" and image.mode == "LA":
        gray, alpha = image.split()
        try:
            made = _converted(gray, profile)
        except ImageCms.PyCMSError:
            pass
        else:
            made.putalpha(alpha)
            warn_once(f"{what}: gray with alpha is converted to sRGB by its colour profile")
            return made, b""
    why = f"is for {_WORDS.get(mode, mode)}" if mode else "is damaged or too large"
    warn_once(f"{what}: its colour profile {why} and is left out")
    return image, b""


def suitable_profile(profile: bytes, mode: str, what: str) -> bytes:
    """Return a profile if it is for pictures of a mode; it is left out, and that said, if not.

    Args:
        profile: the profile, or nothing.
        mode: `L` or `RGB`.
        what: name of the picture in messages.
    """
    if not profile or mode_of(profile) == mode:
        return profile
    warn_once(f"{what}: its colour profile is for other colours or damaged, and is left out")
    return b""


def in_srgb(image: Image.Image, profile: bytes, what: str) -> Image.Image:
    """Return an image of CMYK or CIELab as RGB, by its profile if it has one, and say so.

    Raises:
        ValueError: it cannot be converted.
    """
    told = _WORDS.get(image.mode, image.mode)
    if profile and mode_of(profile) == image.mode:
        try:
            made = _converted(image, profile)
        except ImageCms.PyCMSError as error:
            warn_once(f"{what}: its colour profile cannot be used: {one_line(error)}")
        else:
            warn_once(f"{what}: {told} is converted to sRGB by its colour profile")
            return made
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        warn_once(f"{what}: CIELab is converted to sRGB")
        return _converted(image, lab.tobytes())
    warn_once(f"{what}: {told} has no colour profile, so its conversion to RGB is approximate")
    return image.convert("RGB")


def profile_from(meta: Mapping[str, JsonValue]) -> bytes:
    """Return the profile that `profile_meta` stored; nothing if there is none or a wrong one."""
    text = meta.get("icc")
    if not isinstance(text, str):
        return b""
    try:
        unpacked = zlib.decompressobj().decompress(base64.b64decode(text), LARGEST)
    except (binascii.Error, ValueError, zlib.error):
        return b""
    return unpacked if mode_of(unpacked) else b""


def profile_meta(profile: bytes) -> dict[str, JsonValue]:
    """Return a profile as JSON values; empty for none."""
    if not profile:
        return {}
    return {"icc": base64.b64encode(zlib.compress(profile, 9)).decode()}


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    made = ImageCms.profileToProfile(image, BytesIO(profile), _srgb(), outputMode="RGB")
    if made is None:
        raise ImageCms.PyCMSError("no conversion")
    return made


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
