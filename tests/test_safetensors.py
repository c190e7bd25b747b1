"""The safetensors reader and writer: equal to the `safetensors` package, and strict about damaged files."""

import itertools
import json
import os
import pathlib
import struct

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy

from jaxformers import checkpoints
from jaxformers.checkpoints.safetensors import DTYPES, Entry, parse_size, read_metadata
from jaxformers.errors import CheckpointError


def bits(dtype, shape) -> np.ndarray:
    """An array of a dtype with random bits (0 and 1 for bools)."""
    dtype = np.dtype(dtype)
    raw = np.random.default_rng(len(shape)).integers(0, 256, (*shape, dtype.itemsize), dtype=np.uint8)
    return np.asarray(raw[..., 0] % 2 == 1 if dtype.kind == "b" else raw.view(dtype)[..., 0])


def same(a, b) -> bool:
    """Equal in dtype, shape and every bit."""
    a, b = np.asarray(a), np.asarray(b)
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


# ------------------------------------------------------------------------------------------------------ round trips

SHAPES = {"scalar": (), "empty": (0,), "hollow": (3, 0, 2), "vector": (5,), "matrix": (4, 3), "cube": (2, 3, 5)}


@pytest.mark.parametrize("name", DTYPES)
def test_both_ways_with_the_package(name, tmp_path):
    dtype = DTYPES[name]
    tensors = {k: bits(dtype, shape) for k, shape in SHAPES.items()}

    checkpoints.save_file(tmp_path / "ours", tensors)
    theirs = dict(safetensors.deserialize((tmp_path / "ours").read_bytes()))
    assert set(theirs) == set(tensors)
    for k, x in tensors.items():
        assert theirs[k]["dtype"] == name
        assert tuple(theirs[k]["shape"]) == x.shape
        assert bytes(theirs[k]["data"]) == x.tobytes()

    (tmp_path / "theirs").write_bytes(safetensors.numpy.save(tensors, {"from": "the package"}))
    ours = checkpoints.open_file(tmp_path / "theirs")
    assert set(ours) == set(tensors)
    for k, x in tensors.items():
        assert same(ours[k].read(), x)
        assert (ours[k].dtype, ours[k].shape, ours[k].nbytes) == (x.dtype, x.shape, x.nbytes)
    assert read_metadata(tmp_path / "theirs") == {"from": "the package"}


def test_all_dtypes_in_one_file(tmp_path):
    tensors = {f"{shape}.{name}": bits(DTYPES[name], SHAPES[shape]) for name in DTYPES for shape in SHAPES}
    checkpoints.save_file(tmp_path / "f", tensors)
    held = checkpoints.open_file(tmp_path / "f")
    assert all(same(held[k].read(), x) for k, x in tensors.items())
    assert all(t.start % t.dtype.itemsize == 0 for t in held.values()), "tensors start on their own item size"
    assert read_metadata(tmp_path / "f") == {"format": "pt"}
    assert len(dict(safetensors.deserialize((tmp_path / "f").read_bytes()))) == len(tensors)


def test_accepts_jax_arrays_tensors_and_views(tmp_path):
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    checkpoints.save_file(
        tmp_path / "a", {"x": x, "jax": jnp.asarray(x, jnp.bfloat16), "turned": x.T, "part": x[::2, 1:3]}
    )
    first = checkpoints.open_file(tmp_path / "a")
    checkpoints.save_file(tmp_path / "b", first)
    second = checkpoints.open_file(tmp_path / "b")
    for name, want in {"x": x, "jax": x.astype(ml_dtypes.bfloat16), "turned": x.T, "part": x[::2, 1:3]}.items():
        assert same(second[name].read(), np.ascontiguousarray(want))
    assert second["x"].read().ctypes.data % 64 == 0, "XLA takes 64-byte aligned buffers without a copy"


def test_no_tensors(tmp_path):
    checkpoints.save_file(tmp_path / "f", {}, metadata={})
    assert checkpoints.open_file(tmp_path / "f") == {}
    assert safetensors.numpy.load_file(tmp_path / "f") == {}


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.bool_])
def test_slices(tmp_path, dtype):
    tensors = {k: bits(dtype, shape) for k, shape in SHAPES.items()}
    checkpoints.save_file(tmp_path / "f", tensors)
    held = checkpoints.open_file(tmp_path / "f")
    for k, x in tensors.items():
        axes = [[slice(None), slice(0, n), slice(n // 2, n), slice(1, max(n - 1, 1)), slice(n, n)] for n in x.shape]
        for depth in range(x.ndim + 1):
            for index in itertools.product(*axes[:depth]):
                assert same(held[k].read(index), x[index]), (k, index)


def test_a_slice_reads_only_its_rows(tmp_path, monkeypatch):
    x = bits(np.float32, (1000, 8))
    checkpoints.save_file(tmp_path / "f", {"before": bits(np.float32, (7,)), "x": x})
    tensor, read, preadv = checkpoints.open_file(tmp_path / "f")["x"], [], os.preadv

    def counted(handle, buffers, offset):
        read.append(sum(len(b) for b in buffers))
        return preadv(handle, buffers, offset)

    monkeypatch.setattr(os, "preadv", counted)
    assert same(tensor.read((slice(250, 500), slice(2, 4))), x[250:500, 2:4])
    assert sum(read) == 250 * 8 * 4


def test_a_short_read_is_continued_and_a_vanished_end_is_an_error(tmp_path, monkeypatch):
    x = bits(np.float32, (100, 8))
    checkpoints.save_file(tmp_path / "f", {"x": x})
    tensor, preadv = checkpoints.open_file(tmp_path / "f")["x"], os.preadv
    with monkeypatch.context() as m:
        m.setattr(os, "preadv", lambda handle, buffers, at: preadv(handle, [buffers[0][:100]], at))
        assert same(tensor.read(), x)
    os.truncate(tmp_path / "f", 1000)
    with pytest.raises(CheckpointError, match="must hold 3200 bytes"):
        tensor.read()


# ------------------------------------------------------------------------------------------------------ damaged files


def raw_file(path: pathlib.Path, header, data: bytes = b"") -> pathlib.Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_truncated_at_every_length(tmp_path):
    checkpoints.save_file(tmp_path / "f", {"x": bits(np.float32, (6, 5)), "y": bits(np.int8, (3,))})
    whole = (tmp_path / "f").read_bytes()
    for n in range(len(whole)):
        (tmp_path / "cut").write_bytes(whole[:n])
        with pytest.raises(CheckpointError, match="truncated"):
            checkpoints.open_file(tmp_path / "cut")
    (tmp_path / "long").write_bytes(whole + b"x")
    with pytest.raises(CheckpointError, match="must cover the file's 124 data bytes, they cover 123"):
        checkpoints.open_file(tmp_path / "long")


@pytest.mark.parametrize("length", [0, 1, 7, 200, 10**8 + 1, 2**31, 2**63, 2**64 - 1])
def test_corrupt_header_length(tmp_path, length):
    path = raw_file(tmp_path / "f", {"x": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}, b"abcd")
    path.write_bytes(struct.pack("<Q", length) + path.read_bytes()[8:])
    with pytest.raises(CheckpointError, match="header"):
        checkpoints.open_file(path)


def entry(dtype="F32", shape=(2,), offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


DAMAGED = {
    "overlap": ({"a": entry(), "b": entry(offsets=(4, 12))}, 12, "'b'.*start at 8, got 4.*overlaps"),
    "same place": ({"a": entry(), "b": entry()}, 8, "overlaps"),
    "inside": ({"a": entry(shape=(4,), offsets=(0, 16)), "b": entry(shape=(1,), offsets=(4, 8))}, 16, "overlaps"),
    "hollow inside": ({"a": entry(), "b": entry(shape=(0,), offsets=(4, 4))}, 8, "overlaps"),
    "gap": ({"a": entry(), "b": entry(offsets=(12, 20))}, 20, "'b'.*start at 8, got 12.*gap"),
    "gap at the start": ({"a": entry(offsets=(4, 12))}, 12, "gap"),
    "beyond the end": ({"a": entry(shape=(3,), offsets=(0, 12))}, 8, "end within the file's 8 data bytes, got 12"),
    "far beyond the end": ({"a": entry("U8", (2**60,), (0, 2**60))}, 8, "end within the file's 8"),
    "too few bytes": ({"a": entry(shape=(3,))}, 8, r"F32 of shape \(3,\) must span 12 bytes, got 8"),
    "too many bytes": ({"a": entry(shape=(1,))}, 8, r"F32 of shape \(1,\) must span 4 bytes, got 8"),
    "wrong item size": ({"a": entry("F64")}, 8, "must span 16 bytes, got 8"),
    "product overflows": ({"a": entry("F32", (2**40, 2**40), (0, 8))}, 8, "must span"),
    "decreasing": ({"a": entry(offsets=(8, 0))}, 8, "must not decrease"),
    "negative": ({"a": entry(offsets=(-8, 0))}, 8, "data_offsets must be two sizes"),
    "negative shape": ({"a": entry(shape=(-2,))}, 8, "shape must be a list of at most 64 sizes"),
    "bool in shape": ({"a": entry(shape=(True,))}, 8, "shape must be a list of at most 64 sizes"),
    "float in shape": ({"a": entry(shape=(2.0,))}, 8, "shape must be a list of at most 64 sizes"),
    "huge shape": ({"a": entry(shape=(2**63,))}, 8, "shape must be a list of at most 64 sizes"),
    "a million dimensions": ({"a": entry(shape=[2**61] * 10**6)}, 8, "shape must be a list of at most 64 sizes"),
    "shape no list": ({"a": {"dtype": "F32", "shape": "2", "data_offsets": [0, 8]}}, 8, "shape must be"),
    "three offsets": ({"a": entry(offsets=(0, 4, 8))}, 8, "data_offsets must be two sizes"),
    "unknown dtype": ({"a": entry("F31")}, 8, "dtype must be one of BOOL.*got 'F31'"),
    "dtype no string": ({"a": entry(["F32"])}, 8, "dtype must be one of"),
    "missing field": ({"a": {"dtype": "F32", "shape": [2]}}, 8, "an object of dtype, shape and data_offsets"),
    "extra field": ({"a": entry(strides=[4])}, 8, "an object of dtype, shape and data_offsets"),
    "entry no object": ({"a": 5}, 8, "an object of dtype, shape and data_offsets"),
    "header no object": ([1, 2], 0, "must be a JSON object, got list"),
    "metadata no strings": ({"__metadata__": {"a": 1}, "a": entry()}, 8, "__metadata__ must map"),
    "metadata no object": ({"__metadata__": "a", "a": entry()}, 8, "__metadata__ must map"),
    "duplicate names": (b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":1}', 4, r"duplicate keys \['a'\]"),
    "duplicate fields": (b'{"a":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}}', 4, "duplicate keys"),
    "no JSON": (b"{'a'", 4, "must be JSON"),
    "no UTF-8": (b'{"\xff":1}', 4, "must be JSON"),
    "a nest of lists": (b"[" * 100_000, 4, "must be JSON"),
    "a huge number": (b'{"a":' + b"9" * 10_000 + b"}", 4, "must be JSON"),
    "infinite offset": (b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,1e999]}}', 4, "data_offsets must be"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_headers(tmp_path, case):
    header, size, message = DAMAGED[case]
    path = raw_file(tmp_path / "f", header, bytes(size))
    with pytest.raises(CheckpointError, match=f"(?s){message}") as e:
        checkpoints.open_file(path)
    assert str(path) in str(e.value)


def test_every_problem_is_listed(tmp_path):
    header = {"a": entry("F31"), "b": entry(shape=(3,)), "c": entry(offsets=(20, 28)), "d": 5}
    with pytest.raises(CheckpointError) as e:
        checkpoints.open_file(raw_file(tmp_path / "f", header, bytes(28)))
    assert {p.split("'")[1] for p in e.value.problems} == {"a", "b", "c", "d"}


def test_unreadable_paths(tmp_path):
    with pytest.raises(CheckpointError, match="can not be read: No such file"):
        checkpoints.open_file(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="can not be read: Is a directory"):
        checkpoints.open_file(tmp_path)


# ------------------------------------------------------------------------------------------------------ shards

INDEX = "model.safetensors.index.json"
TENSORS = {f"layer.{i}": bits(np.float32, (10, i + 1)) for i in range(6)}


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_sharded(tmp_path):
    files = checkpoints.save_checkpoint(tmp_path, TENSORS, max_shard_size=300)
    assert [f.name for f in files] == [*sorted(f.name for f in tmp_path.glob("*.safetensors")), INDEX]
    assert len(files) > 3
    held = checkpoints.open_checkpoint(tmp_path)
    assert all(same(held[k].read(), x) for k, x in TENSORS.items())
    index = json.loads((tmp_path / INDEX).read_text())
    assert index["metadata"]["total_size"] == sum(x.nbytes for x in TENSORS.values())
    for name, file in index["weight_map"].items():
        assert name in safetensors.numpy.load_file(tmp_path / file)
    sizes = [sum(held[n].nbytes for n, f in index["weight_map"].items() if f == p.name) for p in files[:-1]]
    assert all(size <= 300 or size == 240 for size in sizes)


def test_a_tensor_over_the_limit_has_its_own_shard(tmp_path):
    files = checkpoints.save_checkpoint(tmp_path, TENSORS, max_shard_size=1)
    assert len(files) == len(TENSORS) + 1
    assert set(checkpoints.open_checkpoint(tmp_path)) == set(TENSORS)


def test_one_file_when_it_fits(tmp_path):
    assert [f.name for f in checkpoints.save_checkpoint(tmp_path / "new", TENSORS)] == ["model.safetensors"]
    assert set(checkpoints.open_checkpoint(tmp_path / "new" / "model.safetensors")) == set(TENSORS)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["model.safetensors"]


def test_stale_files_are_removed(tmp_path):
    (tmp_path / "notes.safetensors").write_bytes(b"mine")
    checkpoints.save_checkpoint(tmp_path, TENSORS, max_shard_size=1)
    checkpoints.save_checkpoint(tmp_path, TENSORS, max_shard_size=300)
    index = json.loads((tmp_path / INDEX).read_text())
    assert set(contents(tmp_path)) == {"notes.safetensors", INDEX, *index["weight_map"].values()}
    checkpoints.save_checkpoint(tmp_path, TENSORS)
    assert set(contents(tmp_path)) == {"notes.safetensors", "model.safetensors"}
    checkpoints.save_checkpoint(tmp_path, TENSORS, max_shard_size=300)
    assert "model.safetensors" not in contents(tmp_path)
    assert (tmp_path / "notes.safetensors").read_bytes() == b"mine"


def test_missing_shards(tmp_path):
    files = checkpoints.save_checkpoint(tmp_path, TENSORS, max_shard_size=300)
    gone = [files[1], files[2]]
    for f in gone:
        f.unlink()
    with pytest.raises(CheckpointError) as e:
        checkpoints.open_checkpoint(tmp_path)
    assert e.value.problems == tuple(f"shard {f.name} is missing" for f in gone)


def test_a_shard_without_the_promised_tensor(tmp_path):
    files = checkpoints.save_checkpoint(tmp_path, TENSORS, max_shard_size=300)
    index = json.loads((tmp_path / INDEX).read_text())
    index["weight_map"]["ghost"] = files[0].name
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=f"shard {files[0].name} must hold 'ghost'"):
        checkpoints.open_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", ".", "", "sub/../../secret"])
def test_an_index_can_not_leave_its_directory(tmp_path, name):
    checkpoints.save_file(tmp_path / "secret", {"x": np.zeros(3, np.float32)})
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / INDEX).write_text(json.dumps({"weight_map": {"x": name}}))
    with pytest.raises(CheckpointError, match="plain file names"):
        checkpoints.open_checkpoint(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"weight_map": 3}', '{"weight_map": {"x": 1}}', '"x"'])
def test_damaged_index(tmp_path, text):
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(CheckpointError, match="weight_map"):
        checkpoints.open_checkpoint(tmp_path)


def test_no_weights(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"must hold model.safetensors or .* it holds pytorch_model.bin"):
        checkpoints.open_checkpoint(tmp_path)


# ------------------------------------------------------------------------------------------------------ failed saves


class LostDeviceError(Exception):
    pass


def failing(name: str) -> dict:
    """TENSORS with other values, of which one can not be read."""

    def lost():
        raise LostDeviceError

    changed = {k: x + 1 for k, x in TENSORS.items()}
    return {**changed, name: Entry(changed[name].dtype, changed[name].shape, lost)}


@pytest.mark.parametrize("before", [1, 300, "5GB"])
@pytest.mark.parametrize("limit", [1, 300, "5GB"])
@pytest.mark.parametrize("bad", ["layer.0", "layer.3", "layer.5"])
def test_a_failed_save_changes_nothing(tmp_path, before, limit, bad):
    checkpoints.save_checkpoint(tmp_path, TENSORS, max_shard_size=before)
    held = contents(tmp_path)
    with pytest.raises(LostDeviceError):
        checkpoints.save_checkpoint(tmp_path, failing(bad), max_shard_size=limit)
    assert contents(tmp_path) == held


def test_a_failed_first_save_leaves_nothing(tmp_path):
    with pytest.raises(LostDeviceError):
        checkpoints.save_checkpoint(tmp_path, failing("layer.3"), max_shard_size=1)
    with pytest.raises(LostDeviceError):
        checkpoints.save_file(tmp_path / "f", failing("layer.3"))
    assert contents(tmp_path) == {}


def test_saving_over_the_files_that_are_read(tmp_path):
    checkpoints.save_checkpoint(tmp_path, TENSORS, max_shard_size=300)
    lazy = checkpoints.open_checkpoint(tmp_path)
    turned = dict(reversed(lazy.items()))  # shards of the same names with other tensors in them
    checkpoints.save_checkpoint(tmp_path, turned, max_shard_size=300)
    held = checkpoints.open_checkpoint(tmp_path)
    assert all(same(held[k].read(), x) for k, x in TENSORS.items())


@pytest.mark.parametrize("data", [np.zeros(3, np.float32), np.zeros((2, 2), np.float64), np.zeros(4, np.int32)])
def test_data_that_is_not_what_was_announced(tmp_path, data):
    lying = {"x": Entry(np.dtype(np.float32), (2, 2), lambda: data)}
    with pytest.raises(CheckpointError, match=r"'x': must be float32 of shape \(2, 2\)"):
        checkpoints.save_file(tmp_path / "f", lying)
    assert contents(tmp_path) == {}


def test_dtypes_without_a_name(tmp_path):
    tensors = {"a": np.zeros(2, np.complex128), "b": np.zeros(2, ">f4"), "c": np.zeros(2, np.float32)}
    with pytest.raises(CheckpointError) as e:
        checkpoints.save_checkpoint(tmp_path, tensors)
    assert [p.split("'")[1] for p in e.value.problems] == ["a", "b"]
    assert contents(tmp_path) == {}


def test_permissions_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        checkpoints.save_file(tmp_path / "f", TENSORS)
    finally:
        os.umask(old)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("size", "want"),
    [(7, 7), ("7", 7), ("5GB", 5 * 10**9), ("5 GiB", 5 * 2**30), ("1.5kb", 1500), ("2MB", 2 * 10**6), ("1TiB", 2**40)],
)
def test_sizes(size, want):
    assert parse_size(size) == want


@pytest.mark.parametrize("size", ["", "GB", "5XB", "-5GB", "5GB5"])
def test_bad_sizes(size):
    with pytest.raises(CheckpointError, match="max_shard_size"):
        parse_size(size)
