"""Loading and saving: which tensor goes where, what does not fit, where it is placed, and what it costs."""

import json
import pathlib
import struct
import subprocess
import sys
import warnings

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from cases.bert import TINY
from jax.sharding import Mesh
from support.fill import fill

import jaxformers as jf
from jaxformers import bridges, checkpoints, models, sharding, spec

BERT = jf.AutoConfig.for_model("bert", **TINY)
IDS = np.array([[2, 5, 7, 11]])


def tensors(head: str, config=BERT) -> dict[str, np.ndarray]:
    """Name-filled tensors of a head, under the names that its file holds."""
    declared = models.find_head(config, head)[1].declare(config)
    return {spec.names(path)[0]: fill(spec.names(path)[0], p.shape) for path, p in spec.paths(declared)}


def write(folder: pathlib.Path, held: dict[str, np.ndarray], config=BERT, **fields) -> pathlib.Path:
    folder.mkdir(exist_ok=True)
    checkpoints.save_file(folder / "model.safetensors", held)
    (folder / "config.json").write_text(json.dumps({**config.to_dict(), **fields}))
    return folder


def renamed(held: dict[str, np.ndarray], old: str, new: str) -> dict[str, np.ndarray]:
    return {new + k.removeprefix(old) if k.startswith(old) else k: v for k, v in held.items()}


def equal(params, held: dict[str, np.ndarray]) -> None:
    flat = spec.flatten(params)
    assert set(flat) == set(held)
    for name, x in held.items():
        np.testing.assert_array_equal(np.asarray(flat[name]), x, err_msg=name)


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# ------------------------------------------------------------------------------------------------------ no checkpoint


def test_not_a_directory(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for path in (tmp_path / "nowhere", "no/such/place", "../x", "a b"):
        with pytest.raises(jf.CheckpointError, match="must be a directory or a hub id like 'owner/name'"):
            jf.load(path)


def test_a_hub_id_that_can_not_be_fetched(monkeypatch):
    import huggingface_hub

    asked = []

    def refuse(name, **options):
        asked.append((name, options["revision"]))
        raise OSError("no\nnetwork")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(jf.CheckpointError, match=r"can be fetched, got 'owner/name' \(OSError: no network\)"):
        jf.load("owner/name", revision="v2")
    assert asked == [("owner/name", "v2")]


def test_a_config_is_fetched_without_weights(monkeypatch, tmp_path):
    import huggingface_hub

    wanted = []
    monkeypatch.setattr(
        huggingface_hub,
        "snapshot_download",
        lambda name, **options: wanted.append(options["allow_patterns"]) or tmp_path,
    )
    BERT.save_pretrained(tmp_path)
    assert jf.AutoConfig.from_pretrained("owner/name") == BERT
    assert "*.json" in wanted[0]
    assert not any("safetensors" in pattern for pattern in wanted[0])
    with pytest.raises(jf.CheckpointError, match=r"must hold model.safetensors"):
        jf.load("owner/name")
    assert "*.safetensors" in wanted[1]


def test_no_config(tmp_path):
    checkpoints.save_file(tmp_path / "model.safetensors", tensors("BertModel"))
    with pytest.raises(jf.ConfigError, match=r"must hold config.json, it holds model.safetensors"):
        jf.load(tmp_path)
    assert jf.load(tmp_path, config=BERT).name == "BertModel"


def test_no_weights(tmp_path):
    BERT.save_pretrained(tmp_path)
    with pytest.raises(jf.CheckpointError, match=r"must hold model.safetensors or .* it holds config.json"):
        jf.load(tmp_path)


def test_unknown_model_type(tmp_path):
    write(tmp_path, tensors("BertModel"), model_type="bertt")
    with pytest.raises(jf.ConfigError, match="got 'bertt'; nearest known: bert"):
        jf.load(tmp_path)


def test_unknown_heads_name_the_nearest(tmp_path):
    write(tmp_path, tensors("BertModel"))
    with pytest.raises(jf.ConfigError, match="nearest: BertForMaskedLM"):
        jf.load(tmp_path, "ForMaskLM")


# ------------------------------------------------------------------------------------------------------ names


@pytest.mark.usefixtures("quiet")
def test_the_head_comes_from_the_config(tmp_path):
    held = tensors("BertForMaskedLM")
    model = jf.load(write(tmp_path, held, architectures=["Nonsense", "BertForMaskedLM"]))
    assert model.name == "BertForMaskedLM"
    equal(model.params, held)


@pytest.mark.usefixtures("quiet")
def test_prefix_is_stripped_for_the_bare_model(tmp_path):
    held = tensors("BertForSequenceClassification")
    model = jf.load(write(tmp_path, held), "Model")
    equal(model.params, {k.removeprefix("bert."): v for k, v in held.items() if k.startswith("bert.")})


def test_prefix_is_added_for_a_head_and_the_head_is_new(tmp_path):
    held = tensors("BertModel")
    with pytest.warns(UserWarning, match=r"classifier.weight, classifier.bias not in .* train the model") as caught:
        model = jf.load(write(tmp_path, held), "ForSequenceClassification", num_labels=5)
    assert len(caught) == 1
    assert caught[0].filename == __file__, "the warning points at the caller"
    flat = spec.flatten(model.params)
    assert flat["classifier.weight"].shape == (5, 32)
    assert 0.01 < float(jnp.std(flat["classifier.weight"])) < 0.03
    assert not np.any(flat["classifier.bias"])
    equal({"bert": model.params["bert"]}, {f"bert.{k}": v for k, v in held.items()})


def test_a_new_head_is_drawn_by_its_key(tmp_path):
    write(tmp_path, tensors("BertModel"))

    def drawn(**options):
        with pytest.warns(UserWarning, match="initialised at random"):
            model = jf.load(tmp_path, "ForSequenceClassification", **options)
        return np.asarray(model.params["classifier"]["weight"])

    again = drawn()
    np.testing.assert_array_equal(drawn(), again)
    assert (drawn(key=jax.random.key(1)) != again).any()
    config = jf.AutoConfig.from_pretrained(tmp_path)
    same = jf.init(config, "ForSequenceClassification", key=jax.random.key(0)).params["classifier"]["weight"]
    np.testing.assert_array_equal(again, np.asarray(same))


@pytest.mark.usefixtures("quiet")
def test_names_of_tensorflow_times(tmp_path):
    held = tensors("BertForMaskedLM")
    norm = "LayerNorm."
    old = {
        k.replace(norm + "weight", norm + "gamma").replace(norm + "bias", norm + "beta"): v for k, v in held.items()
    }
    assert old.keys() != held.keys()
    equal(jf.load(write(tmp_path, old), "ForMaskedLM").params, held)


def test_an_old_and_a_new_name_of_one_tensor(tmp_path):
    held = tensors("BertModel")
    held["embeddings.LayerNorm.gamma"] = held["embeddings.LayerNorm.weight"] + 1
    with pytest.raises(jf.CheckpointError, match=r"embeddings.LayerNorm.weight is there twice"):
        jf.load(write(tmp_path, held))


def test_the_same_tensor_with_and_without_prefix(tmp_path):
    held = tensors("BertModel")
    held["bert.pooler.dense.bias"] = held["pooler.dense.bias"] + 1
    with pytest.raises(jf.CheckpointError, match=r"twice: pooler.dense.bias is .*bert.pooler.dense.bias"):
        jf.load(write(tmp_path, held))


@pytest.mark.usefixtures("quiet")
def test_a_tied_tensor_under_its_other_name_only(tmp_path):
    held = tensors("BertForMaskedLM")
    table, bias = "bert.embeddings.word_embeddings.weight", "cls.predictions.bias"
    file = renamed(renamed(held, table, "cls.predictions.decoder.weight"), bias, "cls.predictions.decoder.bias")
    assert table not in file
    assert bias not in file
    equal(jf.load(write(tmp_path, file), "ForMaskedLM").params, held)


@pytest.mark.usefixtures("quiet")
def test_a_tied_tensor_under_both_names(tmp_path):
    held = tensors("BertForMaskedLM")
    both = {**held, "cls.predictions.decoder.weight": held["bert.embeddings.word_embeddings.weight"] + 1}
    equal(jf.load(write(tmp_path, both), "ForMaskedLM").params, held)
    bare = {k.removeprefix("bert."): v for k, v in held.items() if k.startswith("bert.")}
    with pytest.warns(UserWarning, match="pooler.dense.weight"):
        equal(
            {k: v for k, v in jf.load(tmp_path, "Model").params.items() if k != "pooler"},
            bare,
        )


def test_an_untied_model_needs_its_own_table(tmp_path):
    write(tmp_path, tensors("BertForMaskedLM"), tie_word_embeddings=False)
    with pytest.raises(jf.CheckpointError, match=r"missing: cls.predictions.decoder.weight"):
        jf.load(tmp_path, "ForMaskedLM")


@pytest.mark.usefixtures("quiet")
def test_inert_buffers_are_dropped(tmp_path):
    held = tensors("BertModel")
    inert = {
        "embeddings.position_ids": np.arange(24)[None],
        "embeddings.token_type_ids": np.zeros((1, 24), np.int64),
        "encoder.layer.0.rotary_emb.inv_freq": np.ones(4, np.float32),
        "encoder.layer.0.norm.num_batches_tracked": np.zeros((), np.int64),
        "h.0.attn.bias": np.tril(np.ones((1, 1, 24, 24), bool)),
        "h.0.attn.masked_bias": np.array(-1e4, np.float32),
        "h.0.crossattention.bias": np.tril(np.ones((1, 1, 24, 24), bool)),
        "h.0.crossattention.masked_bias": np.array(-1e4, np.float32),
    }
    equal(jf.load(write(tmp_path, {**held, **inert})).params, held)


def test_a_bias_that_is_no_mask_is_kept():
    shapes = {"h.0.attn.bias": (1, 1, 8, 8), "w.0.attn.bias": (8,), "attention.bias": (8,)}
    held = bridges.canonical({k: np.zeros(s) for k, s in shapes.items()})
    assert set(held) == {"w.0.attn.bias", "attention.bias"}


# ------------------------------------------------------------------------------------------------------ misfits


def test_everything_that_does_not_fit_is_in_one_error(tmp_path):
    held = tensors("BertForPreTraining")
    del held["bert.encoder.layer.1.output.dense.weight"]  # every head has it
    del held["bert.pooler.dense.bias"]  # half of an optional group
    held["bert.encoder.layer.0.output.dense.bias"] = np.zeros(31, np.float32)
    held["bert.embeddings.word_embeddings.weight"] = np.zeros((66, 32), np.float32)
    held["bert.encoder.layer.0.adapter.weight"] = np.zeros((2, 3), np.float32)
    held["something.else"] = np.zeros((), np.float32)
    with pytest.raises(jf.CheckpointError) as e:
        jf.load(write(tmp_path, held), "ForPreTraining")
    assert set(e.value.problems) == {
        "missing: bert.encoder.layer.1.output.dense.weight (32, 48)",
        "missing: bert.pooler.dense.bias (32,)",
        "shape: bert.encoder.layer.0.output.dense.bias must be (32,), the file has (31,)",
        "shape: bert.embeddings.word_embeddings.weight must be (67, 32), the file has (66, 32)",
        "unexpected: bert.encoder.layer.0.adapter.weight (2, 3)",
        "unexpected: something.else ()",
    }
    assert str(tmp_path) in str(e.value)


def test_a_file_without_the_base(tmp_path):
    held = {k: v for k, v in tensors("BertForSequenceClassification").items() if k.startswith("classifier.")}
    with pytest.raises(jf.CheckpointError) as e:
        jf.load(write(tmp_path, held), "ForSequenceClassification")
    assert len(e.value.problems) == 3 * 16 + 5
    assert "missing: bert.embeddings.word_embeddings.weight (67, 32)" in e.value.problems


@pytest.mark.parametrize("kind", ["int8", "uint8", "bool"])
def test_quantised_tensors_are_not_taken_for_weights(tmp_path, kind):
    held = tensors("BertModel")
    name = "encoder.layer.0.output.dense.weight"
    held[name] = held[name].astype(kind)
    with pytest.raises(jf.CheckpointError, match=f"dtype: {name} must be floating, the file has {kind}"):
        jf.load(write(tmp_path, held), "BertModel")


def test_half_a_head_is_refused(tmp_path):
    held = tensors("BertForSequenceClassification")
    del held["classifier.bias"]
    with pytest.raises(jf.CheckpointError, match=r"missing: classifier.bias \(2,\)"):
        jf.load(write(tmp_path, held), "ForSequenceClassification")


def test_more_layers_than_the_file_has(tmp_path):
    write(tmp_path, tensors("BertModel"), num_hidden_layers=4)
    with pytest.raises(jf.CheckpointError) as e:
        jf.load(tmp_path)
    assert len(e.value.problems) == 16
    assert all(p.startswith("missing: encoder.layer.3.") for p in e.value.problems)


def test_fewer_layers_than_the_file_has(tmp_path):
    write(tmp_path, tensors("BertModel"), num_hidden_layers=2)
    with pytest.raises(jf.CheckpointError) as e:
        jf.load(tmp_path)
    assert all(p.startswith("unexpected: encoder.layer.2.") for p in e.value.problems)


def test_a_file_of_another_architecture(tmp_path):
    with pytest.raises(jf.CheckpointError, match=r"missing: embeddings.word_embeddings.weight"):
        jf.load(write(tmp_path, {"transformer.wte.weight": np.zeros((4, 4), np.float32)}))


def test_another_number_of_labels(tmp_path):
    held = tensors("BertForSequenceClassification")
    write(tmp_path, held)
    with pytest.raises(
        jf.CheckpointError, match=r"shape: classifier.weight must be \(7, 32\), the file has \(2, 32\)"
    ):
        jf.load(tmp_path, "ForSequenceClassification", num_labels=7)
    with pytest.warns(UserWarning, match="classifier.weight, classifier.bias"):
        model = jf.load(tmp_path, "ForSequenceClassification", num_labels=7, ignore_mismatched_sizes=True)
    assert model.params["classifier"]["weight"].shape == (7, 32)
    equal({"bert": model.params["bert"]}, {k: v for k, v in held.items() if k.startswith("bert.")})


def test_mismatched_sizes_of_the_base_are_never_ignored(tmp_path):
    write(tmp_path, tensors("BertModel"), vocab_size=70)
    with pytest.raises(jf.CheckpointError, match=r"shape: embeddings.word_embeddings.weight must be"):
        jf.load(tmp_path, ignore_mismatched_sizes=True)


def test_a_damaged_file_is_found_before_anything_is_read(tmp_path):
    write(tmp_path, tensors("BertModel"))
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(jf.CheckpointError, match="truncated"):
        jf.load(tmp_path)


# ------------------------------------------------------------------------------------------------------ dtypes


@pytest.mark.parametrize("kind", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("stack", [False, True])
def test_on_the_cpu_parameters_are_float32(tmp_path, kind, stack):
    held = {k: v.astype(kind) for k, v in tensors("BertModel").items()}
    model = jf.load(write(tmp_path, held), stack=stack)
    assert {x.dtype for x in jax.tree.leaves(model.params)} == {np.dtype(np.float32)}
    equal(model.params, {k: v.astype(np.float32) for k, v in held.items()})


def test_dtype_as_asked(tmp_path):
    held = tensors("BertModel")
    write(tmp_path, held, torch_dtype="bfloat16")
    for dtype in ("auto", "bfloat16", jnp.bfloat16, ml_dtypes.bfloat16):
        model = jf.load(tmp_path, dtype=dtype)
        assert model.dtype == jnp.bfloat16
        equal(model.params, {k: v.astype(ml_dtypes.bfloat16) for k, v in held.items()})
    assert jf.load(tmp_path, dtype=np.float16).dtype == jnp.float16
    assert jf.load(tmp_path).dtype == jnp.float32
    write(tmp_path, held)
    assert jf.load(tmp_path, dtype="auto").dtype == jnp.float32


@pytest.mark.parametrize("dtype", ["floaty", "int8", int, object(), "bool"])
def test_bad_dtypes(tmp_path, dtype):
    write(tmp_path, tensors("BertModel"))
    with pytest.raises(jf.ConfigError, match="must be a floating dtype such as 'bfloat16'"):
        jf.load(tmp_path, dtype=dtype)


# ------------------------------------------------------------------------------------------------------ meshes


@pytest.fixture(scope="module")
def mesh():
    return Mesh(np.asarray(jax.devices()[:8]).reshape(4, 2), ("fsdp", "tensor"))


@pytest.mark.parametrize("stack", [False, True])
@pytest.mark.parametrize("rules", [None, "fsdp", "fsdp+tensor", {"embed": ("fsdp", "tensor"), "mlp": None}])
def test_a_mesh_equals_one_device(tmp_path, mesh, stack, rules):
    held = tensors("BertForMaskedLM")
    model = jf.load(write(tmp_path, held), "ForMaskedLM", stack=stack, mesh=mesh, rules=rules)
    equal(model.params, held)
    declared = model.head.declare(model.config)
    plan = sharding.plan(spec.stack(declared) if stack else declared, mesh, rules)
    for x, s in zip(jax.tree.leaves(model.params), jax.tree.leaves(plan.shardings), strict=True):
        assert x.sharding == s
        assert {shard.data.shape for shard in x.addressable_shards} == {s.shard_shape(x.shape)}
    split = [x for x in jax.tree.leaves(model.params) if not x.sharding.is_fully_replicated]
    assert bool(split) == bool(rules)


@pytest.mark.parametrize("stack", [False, True])
def test_each_device_reads_its_own_rows(tmp_path, mesh, monkeypatch, stack):
    held = tensors("BertModel")
    write(tmp_path, held)
    name = "encoder.layer.0.intermediate.dense.weight"  # [mlp, embed]: the two halves of its rows
    rows, read = [], checkpoints.Tensor.read

    def counted(tensor, index=()):
        if tensor.start == wanted.start:
            rows.append(range(*index[0].indices(tensor.shape[0])))
        return read(tensor, index)

    wanted = checkpoints.open_checkpoint(tmp_path)[name]
    monkeypatch.setattr(checkpoints.Tensor, "read", counted)
    jf.load(tmp_path, stack=stack, mesh=mesh, rules="tensor")
    assert {(r.start, r.stop) for r in rows} == {(0, 24), (24, 48)}


def test_a_new_head_on_a_mesh_equals_one_device(tmp_path, mesh):
    write(tmp_path, tensors("BertModel"))
    with pytest.warns(UserWarning, match="classifier"):
        one = jf.load(tmp_path, "ForSequenceClassification")
    with pytest.warns(UserWarning, match="classifier"):
        many = jf.load(tmp_path, "ForSequenceClassification", mesh=mesh, rules={"embed": "fsdp"})
    a, b = one.params["classifier"]["weight"], many.params["classifier"]["weight"]
    assert b.sharding.shard_shape(b.shape) == (2, 8)
    np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_bad_rules(tmp_path, mesh):
    write(tmp_path, tensors("BertModel"))
    with pytest.raises(jf.JaxformersError, match="presets: fsdp"):
        jf.load(tmp_path, mesh=mesh, rules="fdsp")
    with pytest.raises(jf.JaxformersError, match="mesh axis 'model' must be one of"):
        jf.load(tmp_path, mesh=mesh, rules={"embed": "model"})


# ------------------------------------------------------------------------------------------------------ saving


def test_a_save_holds_one_tensor_per_declared_name(tmp_path, mesh):
    held = tensors("BertForMaskedLM")
    write(tmp_path / "in", {**held, "cls.predictions.decoder.bias": held["cls.predictions.bias"]})
    model = jf.load(tmp_path / "in", "ForMaskedLM", stack=True, mesh=mesh, rules="fsdp")
    files = jf.save(model, tmp_path / "out", max_shard_size="20kB")
    assert sorted(files) == sorted((tmp_path / "out").iterdir())
    file = checkpoints.open_checkpoint(tmp_path / "out")
    assert set(file) == set(held)
    for name, x in held.items():
        np.testing.assert_array_equal(file[name].read(), x)
    assert jf.AutoConfig.from_pretrained(tmp_path / "out").architectures == ("BertForMaskedLM",)


def test_the_config_says_the_dtype_that_is_saved(tmp_path):
    write(tmp_path / "in", tensors("BertModel"), torch_dtype="float32")
    jf.save(jf.load(tmp_path / "in", dtype="bfloat16"), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["torch_dtype"] == "bfloat16"
    assert {str(t.dtype) for t in checkpoints.open_checkpoint(tmp_path / "out").values()} == {"bfloat16"}


@pytest.mark.parametrize("shift", [0, 8])
def test_aligned_tensors_are_the_pages_of_the_file(tmp_path, shift):
    held = tensors("BertModel")
    folder = write(tmp_path, held)
    if shift:  # as files of other writers: the header padded to 8 bytes only
        raw = (folder / "model.safetensors").read_bytes()
        length = struct.unpack("<Q", raw[:8])[0]
        header = raw[8 : 8 + length] + b" " * shift
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + raw[8 + length :])
    model = jf.load(folder, "BertModel")
    equal(model.params, held)
    mapped = pathlib.Path("/proc/self/maps").read_text().count(str(folder / "model.safetensors"))
    assert (mapped > 0) == (shift == 0)
    # A step that donates its input must not write through the mapping.
    doubled = jax.jit(lambda m: jax.tree.map(lambda x: 2 * x, m), donate_argnums=0)(model)
    equal(doubled.params, {k: 2 * v for k, v in held.items()})
    equal(jf.load(folder, "BertModel").params, held)


def test_saving_over_the_directory_that_was_loaded(tmp_path):
    held = tensors("BertModel")
    model = jf.load(write(tmp_path, held))
    jf.save(model, tmp_path, max_shard_size="20kB")
    assert not (tmp_path / "model.safetensors").exists()
    equal(jf.load(tmp_path).params, held)


def test_params_that_do_not_fit_are_not_saved(tmp_path):
    model = jf.load(write(tmp_path / "in", tensors("BertModel")))
    params = {**model.params, "extra": {"weight": jnp.zeros(3)}, "pooler": {"dense": {"weight": jnp.zeros((2, 2))}}}
    with pytest.raises(jf.CheckpointError) as e:
        jf.save(model.replace(params=params), tmp_path / "out")
    assert set(e.value.problems) == {
        "missing: pooler.dense.bias (32,)",
        "unexpected: extra.weight (3,)",
        "shape: pooler.dense.weight must be (32, 32), got (2, 2)",
    }
    assert not (tmp_path / "out").exists()


def test_saving_to_a_file(tmp_path):
    model = jf.load(write(tmp_path, tensors("BertModel")))
    with pytest.raises(jf.CheckpointError, match="path must be a directory, got the file"):
        jf.save(model, tmp_path / "config.json")
    assert jf.load(tmp_path).config == model.config


# ------------------------------------------------------------------------------------------------------ Auto names


def test_auto_names(tmp_path):
    write(tmp_path, tensors("BertForMaskedLM"), architectures=["BertForMaskedLM"])
    assert jf.AutoModelForMaskedLM.from_pretrained(tmp_path).name == "BertForMaskedLM"
    with pytest.warns(UserWarning, match="pooler"):
        assert jf.AutoModel.from_pretrained(tmp_path, dtype="bfloat16").dtype == jnp.bfloat16
    with pytest.warns(UserWarning, match="classifier"):
        model = jf.AutoModelForTokenClassification.from_pretrained(tmp_path, num_labels=4, stack=True)
    assert model.config.num_labels == 4
    assert model(input_ids=IDS).logits.shape == (1, 4, 4)
    assert jf.AutoModelForMaskedLM.from_config(BERT).name == "BertForMaskedLM"
    with pytest.raises(jf.ConfigError, match="AutoModelForSeq2SeqLM needs a head named BertForConditionalGeneration"):
        jf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path)


# ------------------------------------------------------------------------------------------------------ memory

_PEAK = """
import sys
import jax
import jaxformers as jf

def peak():  # of this process alone; getrusage also counts the parent that forked it
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) * 1024

jf.load(sys.argv[1])
before = peak()
model = jf.load(sys.argv[2])
jax.block_until_ready(model.params)
print(peak() - before)
"""


def sparse(folder: pathlib.Path, config) -> int:
    """A checkpoint of zeros that takes no room on disk; returns the file's size."""
    header, at = {}, 0
    for path, p in spec.paths(models.find_head(config, "Model")[1].declare(config)):
        header[spec.names(path)[0]] = {"dtype": "F32", "shape": p.shape, "data_offsets": [at, at + 4 * p.size]}
        at += 4 * p.size
    text = json.dumps(header).encode()
    config.save_pretrained(folder)
    with open(folder / "model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.truncate(8 + len(text) + at)
    return 8 + len(text) + at


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_peak_memory_of_a_load(tmp_path):
    write(tmp_path / "small", tensors("BertModel"))
    config = BERT.replace(vocab_size=80_000, hidden_size=1024, intermediate_size=4096, num_hidden_layers=2)
    size = sparse(tmp_path / "big", config)
    assert 3e8 < size < 5e8
    command = [sys.executable, "-c", _PEAK, tmp_path / "small", tmp_path / "big"]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert size <= grown <= 1.3 * size
