"""Eight virtual CPU devices, a shared compilation cache, and a check that the package is imported as installed."""

import gc
import os
import pathlib
import sys

# Level 0 halves the compile time of thousands of tiny programs; what they compute stays the same.
_FLAGS = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAGS}"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402 - reads the flags above
import pytest  # noqa: E402

jax.config.update("jax_compilation_cache_dir", str(pathlib.Path.home() / ".cache" / "jaxformers" / "tests"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


# Every compiled program maps memory of its own, of which Linux allows a process 65,530 pieces by default.
_MAPS, _MOST = pathlib.Path("/proc/self/maps"), 20_000


@pytest.fixture(autouse=True)
def _room_for_programs():
    """Forgets the compiled programs of earlier tests before there are too many; the cache on disk still has them."""
    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > _MOST:
        jax.clear_caches()
        gc.collect()


def pytest_sessionfinish(session, exitstatus):
    stray = {"sharding", "checkpoints", "bridges"} & set(sys.modules)
    if stray:
        raise RuntimeError(f"imported outside the package: {sorted(stray)}; use jaxformers.{sorted(stray)[0]}")
