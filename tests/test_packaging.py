"""The wheel: every module on disk is in it, under one top level, and it imports from anywhere."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
OUTER = ("sharding", "checkpoints", "bridges")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> pathlib.Path:
    """Built from a copy: a build in the checkout would also pick up what an earlier build left there."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("jaxformers", *OUTER):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--quiet",
        "-w",
        folder,
        source,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel) -> pathlib.Path:
    folder = wheel.parent / "installed"
    with zipfile.ZipFile(wheel) as z:
        z.extractall(folder)
    return folder


def on_disk() -> set[str]:
    """The modules of the checkout as paths inside the installed package."""
    files = [p.relative_to(ROOT) for name in ("jaxformers", *OUTER) for p in (ROOT / name).rglob("*.py")]
    return {str(p if p.parts[0] == "jaxformers" else pathlib.Path("jaxformers", p)) for p in files}


def run(code: str, cwd: pathlib.Path, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_module(wheel):
    with zipfile.ZipFile(wheel) as z:
        names = z.namelist()
    assert {n for n in names if n.endswith(".py")} == on_disk()
    assert "jaxformers/py.typed" in names
    assert any(n.endswith("licenses/LICENSE") for n in names)


def test_one_top_level(wheel):
    with zipfile.ZipFile(wheel) as z:
        tops = {n.split("/")[0] for n in z.namelist()}
        info = next(t for t in tops if t.endswith(".dist-info"))
        assert z.read(f"{info}/top_level.txt").decode().split() == ["jaxformers"]
    assert tops == {"jaxformers", info}


def test_every_folder_of_modules_is_a_package():
    loose = {p.parent for name in ("jaxformers", *OUTER) for p in (ROOT / name).rglob("*.py")}
    assert not [str(folder) for folder in loose if not (folder / "__init__.py").exists()]


def test_the_wheel_imports_from_elsewhere(installed, tmp_path):
    """Every module, from another working directory, and none of them from the checkout."""
    modules = sorted(n.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for n in on_disk())
    code = f"""
import importlib, sys
for name in {modules!r}:
    module = importlib.import_module(name)
    assert module.__file__.startswith({str(installed)!r}), module.__file__
assert not {set(OUTER)!r} & set(sys.modules)
import jaxformers as jf
print(jf.__version__, jf.init(jf.AutoConfig.for_model("bert", num_hidden_layers=1, vocab_size=9)).name)
"""
    assert run(code, tmp_path, PYTHONPATH=str(installed)).split() == [_version(), "BertModel"]


def test_the_version_is_that_of_the_package(wheel):
    assert wheel.name.startswith(f"jaxformers-{_version()}-py3-none-any")


def _version() -> str:
    import jaxformers

    return jaxformers.__version__


HEAVY = {
    "optax",
    "orbax",
    "PIL",
    "torch",
    "flax",
    "tensorflow",
    "transformers",
    "huggingface_hub",
    "tokenizers",
    "rich",
}
IMPORT = """
import sys
import jax
before = set(sys.modules)
import jaxformers
{touch}
print(*sorted(set(sys.modules) - before))
"""


def test_importing_costs_little(tmp_path):
    """Counted in modules, which do not depend on how busy the machine is."""
    added = run(IMPORT.format(touch=""), tmp_path).split()
    assert added == ["jaxformers"]


def test_loading_imports_only_what_it_uses(tmp_path):
    added = run(IMPORT.format(touch="jaxformers.load, jaxformers.AutoConfig.for_model('bert')"), tmp_path).split()
    assert not HEAVY & {name.split(".")[0] for name in added}
    ours = {name for name in added if name.startswith("jaxformers.")}
    assert "jaxformers.models.text.bert" in ours
    assert [n for n in ours if n.startswith("jaxformers.models.text.")] == ["jaxformers.models.text.bert"]
    assert len(set(added) - ours) < 40, sorted(set(added) - ours)


def test_importing_touches_no_device(tmp_path):
    modules = sorted(n.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for n in on_disk())
    code = f"""
import importlib, os
environment = dict(os.environ)
for name in {modules!r}:
    importlib.import_module(name)
from jax._src import xla_bridge
assert not xla_bridge.backends_are_initialized()
assert dict(os.environ) == environment
"""
    run(code, tmp_path)


def test_every_offered_name_is_there():
    import jaxformers as jf

    for name in dir(jf):
        assert getattr(jf, name, None) is not None, name
    with pytest.raises(AttributeError, match="has no attribute 'AutoNothing'"):
        _ = jf.AutoNothing
