"""Take the screenshots of docs/dashboard.md and docs/cluster.md: `python docs/dashboards.py`.

It needs Chromium, playwright and the extras `ray` and `dashboard`, and takes three minutes. A
search runs on a Ray cluster of its own: the pages of Ray are taken while its trials train, and
those of its study when it has ended. No page names a folder, a user or a machine but 127.0.0.1.
"""

import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from enas_inr.api.dashboard import make_server  # noqa: E402
from tests.viewer.browser import browser  # noqa: E402

FOLDER = ROOT / "docs" / "images"
SEARCH = (
    "search sample:photo --study portrait --profile paper --size 256 --widths 4,16,32 "
    "--depths 1,2,3 --repeats 2 --executor ray"
)
RUNNING = 3  # of the trials have ended when the pages of Ray are taken, and two are in training
MOMENT = 60_000  # milliseconds in which a page shows what has happened
CLOSED = ("Logs", "Task Timeline (beta)", "Cluster status and autoscaler")
COOKIE = "ray-authentication-token"


def main() -> None:
    """Search, and take the screenshots."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, browser() as chromium:
        token = secrets.token_hex(32)
        with searching(Path(folder), token) as (address, running):
            pages_of_ray(chromium, address, token)
            running.communicate()
        if running.returncode:
            raise SystemExit(running.returncode)
        with served(Path(folder)) as page:
            pages_of_study(chromium, page)


@contextmanager
def searching(folder: Path, token: str) -> Iterator[tuple[str, Any]]:
    """Search, and give the address of the job and the process when enough trials have ended."""
    # Ray's page shows the command line, which has no folder in this form.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for name in ("ray", "home"):
        (folder / name).mkdir()
    environment = os.environ | {
        "HOME": str(folder / "home"),
        "PATH": path,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_TMPDIR": str(folder / "ray"),
    }
    with subprocess.Popen(
        ["python", "-m", "enas_inr", *SEARCH.split()],
        executable=sys.executable,
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said = ""
            for line in process.stderr or ():
                said += line
                print(line, end="", file=sys.stderr)
                if line.startswith(f"trial {RUNNING} of") and " PSNR " in line and "score" in line:
                    break
            found = re.search(r"http://127\.0\.0\.1:\d+/#/jobs/\w+", said)
            if found is None:
                raise SystemExit("the search has not named its page")
            yield found[0], process
        finally:
            process.terminate()


def pages_of_ray(chromium: Any, address: str, token: str) -> None:
    """Take the page of a job with its trials, and the log of its search."""
    root = address.partition("#")[0]
    context = chromium.new_context(viewport={"width": 1280, "height": 1150})
    context.set_default_timeout(MOMENT)
    context.add_cookies([{"name": COOKIE, "value": token, "url": root}])
    page = context.new_page()
    page.goto(address)
    logs = page.get_by_role("tab", name="Other logs").get_attribute("href")
    for name in (*CLOSED, "Task Table"):
        page.locator("h4", has_text=name).click()
    page.get_by_text("RUNNING x 2").wait_for()
    shot(page, "ray-dashboard", page.locator("h4", has_text="Actor Table"))
    page.goto(f"{root}{logs}")
    page.get_by_text(re.compile("^enas-inr-.*log$")).click()
    page.get_by_text(re.compile("dB at step")).last.wait_for()
    page.set_viewport_size({"width": 1280, "height": 700})
    shot(page, "ray-log")
    context.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the study as `enas-inr dashboard` does."""
    storage = f"sqlite:///{folder}/enas-inr.db"
    with make_server(storage, study="portrait", port=0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.page
        server.shutdown()


def pages_of_study(chromium: Any, note: str) -> None:
    """Take the pages of a study: its note, its figures, its best trial and all reconstructions."""
    study = note.removesuffix("/note")
    page = chromium.new_page(viewport={"width": 1000, "height": 1540})
    page.set_default_timeout(MOMENT)
    page.goto(note)
    page.get_by_text("How the search went").wait_for()
    shot(page, "dashboard-note")
    page.goto(study)
    shot(page, "dashboard-study", page.locator(".MuiCard-root", has_text="Best Trial (number"))
    page.set_viewport_size({"width": 1140, "height": 1260})  # the list has dates, and no line ends
    page.goto(f"{study}/trials")
    page.locator(".MuiListItemButton-root", has_text="Best Trial").click()
    shot(page, "dashboard-trial")
    page.goto(f"{study}/smartSelection")
    page.get_by_text("Show Artifacts").click()
    shot(page, "dashboard-gallery", of=page.locator(".MuiCard-root", has_text="Target Artifact"))


def shot(page: Any, name: str, end: Any = None, of: Any = None) -> None:
    """Take a page when it has settled: its window, the part above an element, or an element."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2000)  # figures are drawn and lists are unfolded in this time
    path = str(FOLDER / f"{name}.png")
    if of is not None:
        of.screenshot(path=path)
    elif end is not None:
        end.wait_for()
        clip = {"x": 0, "y": 0, "width": page.viewport_size["width"]}
        page.screenshot(path=path, full_page=True, clip=clip | {"height": end.bounding_box()["y"]})
    else:
        page.screenshot(path=path)


if __name__ == "__main__":
    main()
