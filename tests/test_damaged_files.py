"""Files with damage of every kind: each is an image or a sound, or one clear error, in bounded time and memory."""

import pathlib
import subprocess
import sys

import pytest

KINDS = [("images", kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")]
KINDS += [("sounds", kind) for kind in ("WAV", "FLAC", "OGG", "MP3")]
PROGRAM = pathlib.Path(__file__).parent / "damaged" / "survive.py"


def _survives(what: str, kind: str, rounds: int, folder: pathlib.Path) -> None:
    pytest.importorskip("PIL.Image" if what == "images" else "soundfile" if kind != "WAV" else "numpy")
    command = [sys.executable, str(PROGRAM), what, kind, str(rounds)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-3000:]


@pytest.mark.parametrize(("what", "kind"), KINDS)
def test_damaged_files(what, kind, tmp_path):
    _survives(what, kind, 100, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("what", "kind"), KINDS)
def test_thousands_of_damaged_files(what, kind, tmp_path):
    _survives(what, kind, 10_000, tmp_path)
