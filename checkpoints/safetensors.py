"""The safetensors format, read without trusting it and written atomically.

A file is an 8-byte little-endian header length, a JSON header `{name: {dtype, shape, data_offsets}}` and the tensors'
bytes. https://github.com/huggingface/safetensors#format. Ours and not the `safetensors` package: that one's numpy
reader fails on bfloat16 and reads whole tensors only, where each device here reads its own slice.
"""

from __future__ import annotations

import dataclasses
import json
import math
import mmap
import os
import pathlib
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from jaxformers.checkpoints.files import atomic, together
from jaxformers.errors import CheckpointError

DTYPES: dict[str, np.dtype] = {
    name: np.dtype(t)
    for name, t in {
        "BOOL": np.bool_,
        "U8": np.uint8,
        "I8": np.int8,
        "U16": np.uint16,
        "I16": np.int16,
        "U32": np.uint32,
        "I32": np.int32,
        "U64": np.uint64,
        "I64": np.int64,
        "F16": np.float16,
        "BF16": ml_dtypes.bfloat16,
        "F32": np.float32,
        "F64": np.float64,
        "C64": np.complex64,
        "F8_E4M3": ml_dtypes.float8_e4m3fn,
        "F8_E5M2": ml_dtypes.float8_e5m2,
        "F8_E8M0": ml_dtypes.float8_e8m0fnu,
    }.items()
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
MAX_HEADER = 100 * 1024 * 1024  # the format's own limit
MAX_DIMENSIONS = 64  # NumPy's; the product of a million sizes would take for ever
_LARGE = 1 << 20
_ALIGN = 64  # XLA takes host buffers without a copy when they start on 64 bytes


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor in a file, not read yet. Has `shape` and `dtype`; `read()` gives the array, `read(index)` a slice."""

    file: pathlib.Path
    dtype: np.dtype
    shape: tuple[int, ...]
    start: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def aligned(self) -> bool:
        """Whether `view` starts on a multiple of 64 bytes, as XLA wants of memory that it takes without a copy."""
        return self.start % _ALIGN == 0 and self.nbytes > 0

    def view(self) -> np.ndarray:
        """The array as a read-only view of the file's pages: nothing is read or copied until it is used."""
        pages = np.memmap(self.file, np.uint8, "r", self.start, (self.nbytes,))
        return pages.view(np.ndarray).view(self.dtype).reshape(self.shape)

    def read(self, index: tuple[slice, ...] = ()) -> np.ndarray:
        """The array, or the part that a tuple of step-1 slices selects, in memory of its own (64-byte aligned).

        Only the rows of the leading axis that the slice covers are read from disk; where it covers them in part, a few
        rows at a time, so that no more than the part is held.
        """
        index = tuple(index) + (slice(None),) * (len(self.shape) - len(index))
        bounds = [s.indices(n)[:2] for s, n in zip(index, self.shape, strict=True)]
        shape = tuple(stop - start for start, stop in bounds)
        first, rows = (bounds[0][0], shape[0]) if bounds else (0, 1)
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        out = empty(shape, self.dtype)
        if shape[1:] == self.shape[1:]:
            _read_into(self.file, self.start + first * row_bytes, out.reshape(-1).view(np.uint8))
            return out
        inner = tuple(slice(*b) for b in bounds[1:])
        step = max(1, _LARGE // max(row_bytes, 1))
        some = np.empty((min(step, rows), *self.shape[1:]), self.dtype)
        for at in range(0, rows, step):
            part = some[: min(step, rows - at)]
            _read_into(self.file, self.start + (first + at) * row_bytes, part.reshape(-1).view(np.uint8))
            out[at : at + len(part)] = part[:, *inner]
        return out


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array to be filled, which starts on 64 bytes: XLA's CPU devices take it without a copy."""
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes >= _LARGE:  # NumPy asks for huge pages, and the kernel may compact memory for seconds to find them
        raw = np.frombuffer(mmap.mmap(-1, nbytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), np.uint8)
    else:
        raw = np.empty(nbytes + _ALIGN, np.uint8)
        skip = -raw.ctypes.data % _ALIGN
        raw = raw[skip : skip + nbytes]
    return raw.view(dtype).reshape(shape)


def _read_into(path: pathlib.Path, offset: int, out: np.ndarray) -> None:
    with open(path, "rb", buffering=0) as f:
        view, at = out.data, 0
        while at < len(view):
            n = os.preadv(f.fileno(), [view[at : at + (1 << 30)]], offset + at)
            if n == 0:
                raise CheckpointError(str(path), [f"the file must hold {len(view)} bytes at {offset}, got {at}"])
            at += n


Checkpoint = Mapping[str, Any]  # canonical name -> Tensor (or anything with .shape, .dtype and .read(index))


def open_file(path: str | os.PathLike) -> dict[str, Tensor]:
    """The tensors of one safetensors file by name; only its header is read, and checked whole.

    Raises:
      CheckpointError: the file is truncated, its header is not what the format says, or offsets overlap, leave gaps,
        or disagree with shapes; every offender is listed.
    """
    return _parse(pathlib.Path(path))[0]


def read_metadata(path: str | os.PathLike) -> dict[str, str]:
    """The `__metadata__` of a safetensors file."""
    return _parse(pathlib.Path(path))[1]


def _parse(path: pathlib.Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    where, header, begin, size = str(path), *_header(path)
    metadata = header.pop("__metadata__", None) or {}
    tensors: dict[str, Tensor] = {}
    spans: list[tuple[int, int, str]] = []
    problems: list[str] = []
    for name, entry in header.items():
        problem = _entry_problem(entry)
        if problem:
            problems.append(f"tensor {name!r}: {problem}")
            continue
        dtype, shape, (start, stop) = DTYPES[entry["dtype"]], tuple(entry["shape"]), entry["data_offsets"]
        need = math.prod(shape) * dtype.itemsize
        if stop - start != need:
            problems.append(
                f"tensor {name!r}: {entry['dtype']} of shape {shape} must span {need} bytes, got {stop - start}"
            )
        elif stop > size - begin:
            problems.append(f"tensor {name!r}: data must end within the file's {size - begin} data bytes, got {stop}")
        tensors[name] = Tensor(path, dtype, shape, begin + start)
        spans.append((start, stop, name))
    spans.sort()
    at = 0
    for start, stop, name in spans:
        if start != at:
            kind = "overlaps the tensor before it" if start < at else "leaves a gap before it"
            problems.append(f"tensor {name!r}: data must start at {at}, got {start}: it {kind}")
        at = max(at, stop)
    if not problems and at != size - begin:
        problems.append(f"the tensors must cover the file's {size - begin} data bytes, they cover {at}")
    if problems:
        raise CheckpointError(where, problems, "the file is damaged or truncated; fetch or save it again")
    return tensors, metadata


def _header(path: pathlib.Path) -> tuple[dict[str, Any], int, int]:
    todo = "the file is damaged, truncated or not in safetensors format; fetch or save it again"
    where = str(path)
    try:
        size = path.stat().st_size
        with open(path, "rb") as f:
            prefix = f.read(8)
            if len(prefix) < 8:
                raise CheckpointError(where, [f"the file must hold at least 8 bytes, got {size}"], todo)
            (length,) = struct.unpack("<Q", prefix)
            if length > min(MAX_HEADER, size - 8):
                limit = min(MAX_HEADER, size - 8)
                raise CheckpointError(where, [f"the header's length must be at most {limit}, got {length}"], todo)
            text = f.read(length)
    except OSError as e:
        raise CheckpointError(where, [f"the file can not be read: {e.strerror}"]) from None
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (UnicodeDecodeError, ValueError, RecursionError) as e:
        raise CheckpointError(where, [f"the header must be JSON: {e}"], todo) from None
    if not isinstance(header, dict):
        raise CheckpointError(where, [f"the header must be a JSON object, got {type(header).__name__}"], todo)
    meta = header.get("__metadata__")
    if meta is not None and not (isinstance(meta, dict) and all(isinstance(v, str) for v in meta.values())):
        raise CheckpointError(where, ["__metadata__ must map strings to strings"], todo)
    return header, 8 + length, size


def _no_duplicates(pairs):
    out = dict(pairs)
    if len(out) != len(pairs):
        keys = [k for k, _ in pairs]
        raise ValueError(f"duplicate keys {sorted({k for k in keys if keys.count(k) > 1})}")
    return out


def _is_index(n: Any) -> bool:
    return isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 1 << 62


def _entry_problem(entry: Any) -> str | None:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        return f"must be an object of dtype, shape and data_offsets, got {entry!r:.100}"
    if entry["dtype"] not in DTYPES if isinstance(entry["dtype"], str) else True:
        return f"dtype must be one of {', '.join(DTYPES)}, got {entry['dtype']!r}"
    shape = entry["shape"]
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(_is_index(n) for n in shape):
        return f"shape must be a list of at most {MAX_DIMENSIONS} sizes, got {shape!r:.100}"
    offsets = entry["data_offsets"]
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(_is_index(n) for n in offsets)):
        return f"data_offsets must be two sizes, got {offsets!r:.100}"
    if offsets[0] > offsets[1]:
        return f"data_offsets must not decrease, got {offsets}"
    return None


INDEX = "model.safetensors.index.json"


def open_checkpoint(path: str | os.PathLike) -> dict[str, Tensor]:
    """The tensors of a directory's `model.safetensors`, or of the shards that its index names, or of one file.

    Raises:
      CheckpointError: nothing to read, a missing shard, a shard without the tensors that the index promises.
    """
    path = pathlib.Path(path)
    if path.is_file():
        return open_file(path)
    if (path / "model.safetensors").is_file():
        return open_file(path / "model.safetensors")
    index = path / INDEX
    if not index.is_file():
        held = ", ".join(sorted(p.name for p in path.iterdir())[:12]) or "nothing"
        raise CheckpointError(str(path), [f"must hold model.safetensors or {INDEX}, it holds {held}"])
    return _open_sharded(path, index)


def _open_sharded(path: pathlib.Path, index: pathlib.Path) -> dict[str, Tensor]:
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        if not (isinstance(weight_map, dict) and all(isinstance(v, str) for v in weight_map.values())):
            raise TypeError("weight_map must map names to file names")
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise CheckpointError(str(index), [f"must be a JSON object with a weight_map of file names: {e!r}"]) from None
    files = sorted(set(weight_map.values()))
    outside = [f for f in files if pathlib.PurePath(f).name != f or f in ("", ".", "..")]
    if outside:
        raise CheckpointError(str(index), [f"shards must be plain file names, got {f!r}" for f in outside])
    missing = [f for f in files if not (path / f).is_file()]
    if missing:
        problems = [f"shard {f} is missing" for f in missing]
        raise CheckpointError(str(path), problems, f"the index names {len(files)} shards; fetch the rest")
    shards = {f: open_file(path / f) for f in files}
    absent = [f"shard {f} must hold {name!r}" for name, f in weight_map.items() if name not in shards[f]]
    if absent:
        raise CheckpointError(str(index), absent)
    return {name: shards[f][name] for name, f in weight_map.items()}


# ------------------------------------------------------------------------------------------------------ writing


Lazy = Callable[[], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A tensor to write: its dtype and shape now, its bytes when the writer asks."""

    dtype: np.dtype
    shape: tuple[int, ...]
    read: Lazy

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def entry(x: Any) -> Entry:
    """An `Entry` for a NumPy array, a JAX array (fetched one at a time), a `Tensor` or an `Entry`."""
    if isinstance(x, Entry):
        return x
    if isinstance(x, Tensor):
        return Entry(x.dtype, x.shape, x.read)
    return Entry(np.dtype(x.dtype), tuple(x.shape), lambda: np.asarray(x))


def save_file(path: str | os.PathLike, tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> None:
    """Writes one safetensors file atomically, holding one tensor at a time in host memory.

    Args:
      path: the file.
      tensors: name -> NumPy array, JAX array, `Tensor` or `Entry`.
      metadata: strings for the header; {"format": "pt"} by default, which the reference library insists on.

    Raises:
      CheckpointError: a tensor's dtype has no name in the format.
    """
    with atomic(path) as f:
        _write(f, str(path), tensors, metadata)


def _write(f: BinaryIO, where: str, tensors: Mapping[str, Any], metadata: Mapping[str, str] | None) -> None:
    entries = {name: entry(x) for name, x in tensors.items()}
    unknown = [
        f"tensor {n!r}: dtype must be one of {', '.join(DTYPES)}, got {e.dtype}"
        for n, e in entries.items()
        if e.dtype not in NAMES
    ]
    if unknown:
        raise CheckpointError(where, unknown)
    order = _order(entries)
    header: dict[str, Any] = {"__metadata__": dict({"format": "pt"} if metadata is None else metadata)}
    at = 0
    for name in order:
        e = entries[name]
        header[name] = {"dtype": NAMES[e.dtype], "shape": list(e.shape), "data_offsets": [at, at + e.nbytes]}
        at += e.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-(len(text) + 8) % _ALIGN)
    f.write(struct.pack("<Q", len(text)) + text)
    for name in order:
        e, data = entries[name], np.ascontiguousarray(entries[name].read())
        if data.dtype != e.dtype or data.size * data.itemsize != e.nbytes:
            problem = f"tensor {name!r}: must be {e.dtype} of shape {e.shape}, its data is {data.dtype} {data.shape}"
            raise CheckpointError(where, [problem])
        f.write(data.reshape(-1).view(np.uint8).data if data.size else b"")
        del data  # before the next is read


def _order(entries: Mapping[str, Entry]) -> list[str]:
    """Widest dtypes first, then by name: every tensor then starts on a multiple of its own item size."""
    return sorted(entries, key=lambda n: (-entries[n].dtype.itemsize, n))


def parse_size(size: int | str) -> int:
    """Bytes from a number or a string such as "5GB" (powers of ten) or "5GiB" (powers of two)."""
    if isinstance(size, int):
        return size
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", size, re.IGNORECASE)
    if match is None:
        raise CheckpointError("max_shard_size", [f"must be a number of bytes or a string like '5GB', got {size!r}"])
    number, unit, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** " KMGT".index(unit.upper() or " "))


def save_checkpoint(
    directory: str | os.PathLike,
    tensors: Mapping[str, Any],
    max_shard_size: int | str = "5GB",
    metadata: Mapping[str, str] | None = None,
) -> list[pathlib.Path]:
    """Writes `model.safetensors`, or shards and their index when the tensors exceed `max_shard_size`.

    Files of an earlier save stay whole until all the new ones are written: a save that fails changes nothing, and
    tensors may be read from the very files that are replaced. The index comes last; files that the new save does not
    use are removed only then. A tensor larger than the limit gets a shard of its own.

    Returns:
      The files written.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    entries = {name: entry(x) for name, x in tensors.items()}
    shards = _split(entries, parse_size(max_shard_size))
    if len(shards) == 1:
        files = [directory / "model.safetensors"]
    else:
        files = [directory / f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    with together() as opened:
        for file, shard in zip(files, shards, strict=True):
            with opened(file) as f:
                _write(f, str(file), shard, metadata)
        if len(shards) > 1:
            index = {
                "metadata": {"total_size": sum(e.nbytes for e in entries.values())},
                "weight_map": {n: f.name for f, shard in zip(files, shards, strict=True) for n in sorted(shard)},
            }
            files.append(directory / INDEX)
            with opened(files[-1]) as f:
                f.write((json.dumps(index, indent=2, sort_keys=True) + "\n").encode())
    for stale in _weight_files(directory):
        if stale not in files:
            stale.unlink()
    return files


def in_turn(tensors: Mapping[str, Any], max_shard_size: int | str = "5GB") -> list[tuple[str, Entry]]:
    """Tensors in the order in which `save_checkpoint` reads them.

    For processes that only help another to read the tensors which that one writes.
    """
    shards = _split({name: entry(x) for name, x in tensors.items()}, parse_size(max_shard_size))
    return [(name, shard[name]) for shard in shards for name in _order(shard)]


def _split(entries: Mapping[str, Entry], limit: int) -> list[dict[str, Entry]]:
    """The files' tensors: as many as fit into `limit` bytes, in the order given."""
    shards: list[dict[str, Entry]] = [{}]
    used = 0
    for name, e in entries.items():
        if shards[-1] and used + e.nbytes > limit:
            shards.append({})
            used = 0
        shards[-1][name] = e
        used += e.nbytes
    return shards


def _weight_files(directory: pathlib.Path) -> Iterator[pathlib.Path]:
    for p in directory.iterdir():
        if p.name in ("model.safetensors", INDEX) or re.fullmatch(r"model-\d{5}-of-\d{5}\.safetensors", p.name):
            yield p
