"""Run as a program, `survive.py images PNG 500`: reads so many damaged files, and ends by an error if one is too much.

A process of its own, so that memory can be limited and a reader that never returns can be ended.
"""

from __future__ import annotations

import faulthandler
import pathlib
import random
import resource
import sys
import time

SECONDS, BYTES = 60, 5 * 2**30  # for one file; for the whole process


def survive(what: str, kind: str, rounds: int, seed: int = 0) -> None:
    """Loads `rounds` damaged files; each must give an array or the library's own error."""
    import damaged.files
    from damaged.mutate import mutated

    import jaxformers as jf

    files = getattr(damaged.files, what)()
    every = [one for of_kind in files.values() for one in of_kind]
    rng = random.Random(f"{kind} {seed}")
    for n in range(rounds):
        data = mutated(files[kind][n % len(files[kind])], rng, every)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        began = time.monotonic()
        try:
            if what == "images":
                assert jf.load_image(data).mode == "RGB"
            else:
                x, rate = jf.load_audio(data, rng.choice((None, 16000)))
                assert x.ndim == 1
                assert x.size > 0
                assert rate > 0
        except jf.JaxformersError:
            pass
        except BaseException:
            pathlib.Path(f"{what}-{kind}-{n}").write_bytes(data)
            print(f"file {n} of seed {seed} is kept", flush=True)
            raise
        faulthandler.cancel_dump_traceback_later()
        if time.monotonic() - began > SECONDS / 2:
            raise AssertionError(f"file {n} of seed {seed} took {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    survive(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
