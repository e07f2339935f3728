"""Headless Chromium with WebGL in software, for the tests of the page and its screenshots."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FLAGS = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox")


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def browser() -> Iterator[Any]:
    """Start the browser of this machine; nothing is downloaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        try:
            yield started
        finally:
            started.close()


WAIT = "() => globalThis.viewer && viewer.done"
SETTLED = """async (changes) => {
  viewer.show(changes);
  while (!viewer.done) await new Promise((next) => requestAnimationFrame(next));
}"""
