"""Mistral's tekken.json: files, conversations, and what is refused."""

import json

import pytest
from calls.classes import tekken

import jaxformers as jf
from jaxformers.tokenization.mistral_common import MistralCommonTokenizer


@pytest.fixture
def made(tmp_path):
    return jf.AutoTokenizer.from_pretrained(tekken.CASE.write(tmp_path))


def test_the_file_alone_tells_the_class_and_is_saved(made, tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "tekken.json").write_bytes((tmp_path / "tekken.json").read_bytes())
    (tmp_path / "bare" / "config.json").write_text('{"model_type": "mistral"}')
    bare = jf.AutoTokenizer.from_pretrained(tmp_path / "bare", model_max_length=99)
    bare.save_pretrained(tmp_path / "again")
    again = jf.AutoTokenizer.from_pretrained(tmp_path / "again")
    for one in (bare, again):
        assert isinstance(one, MistralCommonTokenizer)
        assert one(tekken.ONE) == made(tekken.ONE)
    assert again.model_max_length == 99


def test_tokens_have_ids(made):
    """The reference forgets that special tokens come first."""
    ids = made(tekken.ONE, add_special_tokens=False).input_ids
    assert made.convert_tokens_to_ids(made.tokenize(tekken.ONE)) == ids
    assert made.convert_tokens_to_ids(["<s>", "[INST]", "<SPECIAL_23>"]) == [1, 3, 23]
    with pytest.raises(jf.InputError, match="must be one token, got 'zq zq', which is"):
        made.convert_tokens_to_ids("zq zq")


def test_conversations_are_written_by_the_version_or_a_template(made, tmp_path):
    chat = [{"role": "user", "content": "Hi [INST]"}]
    said = made("Hi [INST]", add_special_tokens=False).input_ids
    assert made.apply_chat_template(chat) == [1, 3, *said, 4]
    assert made.apply_chat_template([chat, chat], tokenize=False) == ["<s>[INST]Hi [INST][/INST]"] * 2
    ended = made.apply_chat_template([*chat, {"role": "assistant", "content": "Yes"}])  # which the reference refuses
    assert ended == [1, 3, *said, 4, *made("Yes").input_ids[1:]]
    made.chat_template = "{{ bos_token }}{% for m in messages %}[/INST]{{ m.content }}{% endfor %}"
    hi = made("Hi ", add_special_tokens=False).input_ids
    assert made.apply_chat_template(chat) == [1, 4, *hi, 3]
    held = json.loads((tmp_path / "tekken.json").read_text())
    held["config"]["version"] = "v99"
    (tmp_path / "tekken.json").write_text(json.dumps(held))
    with pytest.raises(jf.InputError, match=r"for versions v3, v7, v11, v13 of .*, got 'v99'; set chat_template"):
        jf.AutoTokenizer.from_pretrained(tmp_path).apply_chat_template(chat)


def weather(city: str) -> str:
    """What the weather is.

    Args:
        city: Its name.
    """
    return city


def test_functions_are_tools(made):
    text = made.apply_chat_template([{"role": "user", "content": "Hi"}], tools=[weather], tokenize=False)
    function = {"name": "weather", "description": "What the weather is."}
    parameters = {"type": "object", "properties": {"city": {"type": "string", "description": "Its name."}}}
    function["parameters"] = {**parameters, "required": ["city"]}
    wanted = json.dumps([{"type": "function", "function": function}])
    assert text == f"<s>[AVAILABLE_TOOLS]{wanted}[/AVAILABLE_TOOLS][INST]Hi[/INST]"


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        (
            [{"role": "robot", "content": "x"}],
            "message 0: role must be one of system, user, assistant, tool, got 'robot'",
        ),
        ([{"role": "user", "content": [{"type": "image", "url": "x"}]}], "message 0: content must be text, got"),
        ([{"role": "user", "content": 3}], "message 0: content must be text, got 3"),
        ([{"role": "assistant", "content": ""}], "message 0: an assistant must say something or call tools"),
        ([{"role": "tool", "content": "x"}], "message 0: tool_call_id must be given, got None"),
        ([{"role": "assistant", "tool_calls": [{"id": "x"}]}], "message 0: a call must have a function with a name"),
        ([{"content": "x"}], "must be a list of messages"),
    ],
)
def test_messages_that_can_not_be_written(made, messages, says):
    with pytest.raises(jf.InputError, match=says):
        made.apply_chat_template(messages)


def test_what_can_not_be_asked_of_conversations(made):
    chat = [{"role": "user", "content": "Hi"}]
    with pytest.raises(jf.InputError, match="the last message must be the assistant's, got user"):
        made.apply_chat_template(chat, continue_final_message=True)
    with pytest.raises(jf.InputError, match="a tool must be a JSON schema with a function's name"):
        made.apply_chat_template(chat, tools=[{"type": "function"}])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"text": "a", "text_pair": "b"}, "text_pair must be None: this class has no pairs"),
        ({"text": 3}, "text must be a string or a list of ids, got 3"),
        ({"text": [["a"]]}, "text must be a string or a list of ids"),
        ({"text": "a", "return_tensors": "pt"}, "return_tensors must be None"),
        ({"text": "a", "padding": True, "truncation": True, "max_length": 5, "pad_to_multiple_of": 4}, "multiple of"),
    ],
)
def test_calls_that_are_refused(made, call, says):
    with pytest.raises(jf.InputError, match=says):
        made(**call)


def test_changes_that_are_refused(made):
    with pytest.raises(jf.InputError, match=r"a tokenizer of tekken\.json takes no more tokens"):
        made.add_tokens(["x"])
    with pytest.raises(jf.InputError, match=r"a tokenizer of tekken\.json can not be trained"):
        made.train_new_from_iterator(["x"], 300)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda held: held.pop("vocab"), "must hold one JSON object with config and vocab"),
        (lambda held: held["config"].pop("pattern"), "config must hold pattern, default_vocab_size and"),
        (lambda held: held["config"].update(default_num_special_tokens=9), "special_tokens must be at most 9"),
        (lambda held: held.update(special_tokens=[{"token_str": "a"}, {}]), "each a token_str"),
        (lambda held: held.update(special_tokens=[{"token_str": "a"}]), "special tokens as texts, too, got 'a'"),
        (lambda held: held["vocab"].pop(7), r"vocab\[7\] must hold the rank 7 and a token in base 64"),
        (lambda held: held["vocab"].__setitem__(300, {"rank": 300, "token_bytes": "#"}), r"vocab\[300\] must hold"),
        (lambda held: held["config"].update(default_vocab_size=99999), "vocab must hold 99975 tokens, got"),
    ],
)
def test_files_that_can_not_be(made, change, says, tmp_path):
    held = json.loads((tmp_path / "tekken.json").read_text())
    change(held)
    (tmp_path / "tekken.json").write_text(json.dumps(held))
    with pytest.raises(jf.CheckpointError, match=rf"tekken\.json: .*{says}"):
        jf.AutoTokenizer.from_pretrained(tmp_path)
