"""Paths are checked before the work, and nothing but a regular file is ever replaced."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from enas_inr.errors import ModelError, SignalError, SpecError
from enas_inr.signals.files import STANDARD, is_stream, replace_bytes, replacing
from enas_inr.signals.outputs import Output, check_folder, check_outputs, file_name


def check(path, *, force=False, suffixes=(), inputs=(), **more):
    check_outputs([Output(Path(path), "a model", suffixes)], force=force, inputs=inputs, **more)


def read_all(path):
    """Read what is written to a pipe, in a thread."""
    content = []
    thread = threading.Thread(target=lambda: content.append(Path(path).read_bytes()))
    thread.start()
    return thread, content


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_passes_and_nothing_is_left_by_the_check(tmp_path):
    check(tmp_path / "a.inr", suffixes=(".inr",))
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/a.inr", "there is no folder"),
        ("file/a.inr", "Not a directory"),
        ("folder", "is a directory"),
        ("p.png", "cannot write a model as '.png'; end its name with .inr"),
        ("x" * 300 + ".inr", "File name too long"),
        ("nul\0.inr", "null"),
        ("loop.inr", "Too many levels of symbolic links"),
        ("nowhere.inr", "there is no folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_work(tmp_path, name, reason):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop.inr").symlink_to("loop.inr")
    (tmp_path / "nowhere.inr").symlink_to("missing/a.inr")
    with pytest.raises(SignalError, match=reason):
        check(tmp_path / name, suffixes=() if name == "folder" else (".inr",))


def test_a_folder_without_permission_is_refused(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o555)
    with pytest.raises(SignalError, match="Permission denied"):
        check(tmp_path / "a.inr")


def test_an_existing_file_needs_force(tmp_path):
    (tmp_path / "a.inr").touch()
    with pytest.raises(ModelError, match="exists already; give --force"):
        check(tmp_path / "a.inr")
    check(tmp_path / "a.inr", force=True)


@pytest.mark.parametrize("name", ["a.png", "./b/../a.png", "link.png", "hard.png"])
def test_the_input_is_never_the_output(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("b").mkdir()
    Path("a.png").touch()
    Path("link.png").symlink_to("a.png")
    os.link("a.png", "hard.png")
    with pytest.raises(SpecError, match="is read, and would be overwritten by a model"):
        check(name, force=True, inputs=[tmp_path / "a.png", "sample:photo"])


def test_two_outputs_are_not_the_same_file(tmp_path):
    (tmp_path / "link.inr").symlink_to("a.inr")  # to a file that is not there
    outputs = [Output(tmp_path / "a.inr", "a model"), Output(tmp_path / "link.inr", "a preview")]
    with pytest.raises(SpecError, match="is a model as well as a preview"):
        check_outputs(outputs, force=True)


def test_a_folder_is_checked_without_being_made(tmp_path):
    check_folder(tmp_path / "a" / "b")
    assert left_in(tmp_path) == []
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("missing")
    for name in ("file", "file/below", "dangling", "dangling/below", "x" * 300):
        with pytest.raises(SignalError, match="cannot be written"):
            check_folder(tmp_path / name)


@pytest.mark.parametrize(
    "name", ["ü" * 127 + "x", "x" * 255, "new\nline", "-o", "日本語.inr", "sp ace"]
)
def test_names_at_the_limit_of_the_file_system_work(tmp_path, name):
    check(tmp_path / name)
    for content in (b"old", b"new"):
        replace_bytes(tmp_path / name, content)
        assert (tmp_path / name).read_bytes() == content
    assert left_in(tmp_path) == [name]


def test_the_target_of_a_link_is_replaced_and_not_the_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real/a")
    replace_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a").read_bytes() == b"new"
    assert left_in(tmp_path / "real") == ["a"]


def test_the_target_of_a_dangling_link_is_made(tmp_path):
    (tmp_path / "link").symlink_to("new")
    check(tmp_path / "link")
    replace_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "new").read_bytes() == b"new"


def test_the_mode_of_the_old_file_is_kept_and_a_new_one_has_the_usual_mode(tmp_path):
    (tmp_path / "plain").touch()
    replace_bytes(tmp_path / "a", b"1")
    usual = stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == usual
    (tmp_path / "a").chmod(0o640)
    replace_bytes(tmp_path / "a", b"2")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def write_half(path):
    with replacing(path) as file:
        file.write(b"new")
        raise ZeroDivisionError


def test_after_an_error_the_old_file_is_intact_and_no_temporary_is_left(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        write_half(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert left_in(tmp_path) == ["a"]


FULL = """
import resource, signal, sys
from pathlib import Path
from enas_inr.errors import SignalError
from enas_inr.signals.files import replace_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    replace_bytes(Path(sys.argv[1]), bytes(5000))
except SignalError as error:
    print(error)
"""


def test_on_a_full_disk_the_old_file_is_intact(tmp_path):
    """A limit on the size of files stands for the disk."""
    (tmp_path / "a").write_bytes(b"old")
    command = [sys.executable, "-c", FULL, str(tmp_path / "a")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "cannot be written: File too large" in said
    assert len(said.splitlines()) == 1
    assert (tmp_path / "a").read_bytes() == b"old"
    assert left_in(tmp_path) == ["a"]


def test_a_pipe_is_written_into(tmp_path):
    pipe = tmp_path / "p"
    os.mkfifo(pipe)
    check(pipe, suffixes=(".inr",))  # without force
    thread, content = read_all(pipe)
    replace_bytes(pipe, b"content" * 1000)
    thread.join()
    assert content == [b"content" * 1000]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert left_in(tmp_path) == ["p"]


def test_a_link_to_a_pipe_is_written_into(tmp_path):
    os.mkfifo(tmp_path / "p")
    (tmp_path / "link").symlink_to("p")
    thread, content = read_all(tmp_path / "p")
    replace_bytes(tmp_path / "link", b"content")
    thread.join()
    assert content == [b"content"]
    assert (tmp_path / "link").is_symlink()


def test_after_an_error_nothing_goes_into_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "p")
    end = os.open(tmp_path / "p", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(ZeroDivisionError):
        write_half(tmp_path / "p")
    assert os.read(end, 10) == b""
    os.close(end)


def device(path, major, minor):
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
        path.open("rb").close()
    except (AttributeError, OSError):
        pytest.skip("device nodes are not permitted here")


def test_a_device_is_written_into_whoever_runs_the_command(tmp_path):
    device(tmp_path / "null", 1, 3)
    check(tmp_path / "null", force=True, suffixes=(".inr",))
    replace_bytes(tmp_path / "null", b"content")
    assert stat.S_ISCHR((tmp_path / "null").lstat().st_mode)
    assert left_in(tmp_path) == ["null"]


def test_a_full_device_is_one_clear_error(tmp_path):
    device(tmp_path / "full", 1, 7)
    with pytest.raises(SignalError, match="cannot be written: No space left on device"):
        replace_bytes(tmp_path / "full", b"content")
    assert stat.S_ISCHR((tmp_path / "full").lstat().st_mode)


def test_a_block_device_or_a_socket_is_refused(tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(SpecError, match="is a socket"):
            check(tmp_path / "s", force=True)
    try:
        os.mknod(tmp_path / "disk", 0o600 | stat.S_IFBLK, os.makedev(7, 250))
    except (AttributeError, OSError):
        return
    with pytest.raises(SpecError, match="is a block device"):
        check(tmp_path / "disk", force=True)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *(("-", True), ("/dev/stdout", True), ("/dev/fd/1", True), ("/proc/self/fd/7", True)),
        *(("/dev", False), ("a", False), ("/dev/shm/a.inr", False)),
    ],
)
def test_paths_of_open_files_are_written_into(path, expected):
    assert is_stream(Path(path)) is expected


def meanwhile(path, make):
    with replacing(path) as file:
        file.write(b"new")
        make(path)


def test_what_became_no_file_during_the_work_is_not_replaced(tmp_path):
    with pytest.raises(SignalError, match="it is not a regular file"):
        meanwhile(tmp_path / "p", os.mkfifo)
    assert stat.S_ISFIFO((tmp_path / "p").lstat().st_mode)
    (tmp_path / "p").unlink()
    with pytest.raises(SignalError, match="it is a directory"):
        meanwhile(tmp_path / "a", os.mkdir)
    assert left_in(tmp_path) == ["a"]


def test_standard_output_takes_bytes_and_nothing_else(capfdbinary):
    replace_bytes(STANDARD, b"\x00\xff")
    assert capfdbinary.readouterr().out == b"\x00\xff"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("photo-siren-M8", "photo-siren-M8.html"),
        ("../up", "up.html"),
        ("a/b\\c", "a-b-c.html"),
        ("new\nline\x1b[0m", "new-line-[0m.html"),
        ("..", "unnamed.html"),
        ("", "unnamed.html"),
        ("ä", "ä.html"),
    ],
)
def test_any_text_becomes_the_name_of_a_file_in_the_folder(text, expected):
    assert file_name(text, ".html") == expected


def test_a_long_text_becomes_a_name_of_255_bytes():
    name = file_name("ü" * 300, ".html")
    assert name.endswith("ü.html")
    assert 253 <= len(os.fsencode(name)) <= 255
