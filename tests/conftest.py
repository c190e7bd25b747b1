"""Eight virtual CPU devices, a shared compilation cache, and a check that the package is imported as installed."""

import os
import pathlib
import sys

# Level 0 halves the compile time of thousands of tiny programs; what they compute stays the same.
_FLAGS = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAGS}"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402 - reads the flags above

jax.config.update("jax_compilation_cache_dir", str(pathlib.Path.home() / ".cache" / "jaxformers" / "tests"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def pytest_sessionfinish(session, exitstatus):
    stray = {"sharding", "checkpoints", "bridges"} & set(sys.modules)
    if stray:
        raise RuntimeError(f"imported outside the package: {sorted(stray)}; use jaxformers.{sorted(stray)[0]}")
