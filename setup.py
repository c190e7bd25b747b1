"""Packages by rule: `jaxformers` and, under it, the three outer folders."""

from setuptools import find_packages, setup

OUTER = ("sharding", "checkpoints", "bridges")

setup(
    packages=[
        *find_packages(include=["jaxformers", "jaxformers.*"]),
        *(f"jaxformers.{name}" for outer in OUTER for name in find_packages(include=[outer, f"{outer}.*"])),
    ],
    package_dir={f"jaxformers.{outer}": outer for outer in OUTER},
    package_data={"jaxformers": ["py.typed"]},
)
