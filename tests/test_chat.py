"""Chat templates: the reference's texts, ids and masks; and templates that would never end are cut off."""

import json
import warnings

import numpy as np
import pytest
from chat.case import CONVERSATIONS, GOLDENS, TEMPLATES, TOOLS, observe, write

import jaxformers as jf
from jaxformers.tokenization.templates import render
from jaxformers.tokenization.tools import schema

WANTED = json.loads((GOLDENS / "chat.json").read_text())
LONG = CONVERSATIONS["long"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return jf.AutoTokenizer.from_pretrained(write(tmp_path_factory.mktemp("chat")))


def test_equals_the_reference(tokenizer):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = observe(tokenizer)
    wanted = {k: v for k, v in WANTED.items() if k != "schemas"}
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name] == value, name
    assert sum(v is not None for v in wanted.values()) > 300


def test_schemas_equal_the_reference():
    assert [schema(tool) for tool in TOOLS[:2]] == WANTED["schemas"]


# ------------------------------------------------------------------------------------------------------ no template


def plain(tmp_path, kind, **more):
    write(tmp_path)
    config = {"tokenizer_class": "BertTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", **more}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    made = jf.AutoTokenizer.from_pretrained(tmp_path)
    made.kind = kind
    return made


def text(tokenizer, chat=LONG, **options):
    with pytest.warns(UserWarning, match="no chat template"):
        return tokenizer.apply_chat_template(chat, tokenize=False, **options)


def test_chatml_stands_in(tmp_path):
    wanted = (
        "<|im_start|>user\nHello, how are you?<|im_end|>\n<|im_start|>assistant\n"
        "I'm doing great. How can I help you today?<|im_end|>\n<|im_start|>user\n"
        "I'd like to show off how chat templating works!<|im_end|>\n"
    )
    made = plain(tmp_path, "bert")
    assert text(made) == wanted
    assert text(made, add_generation_prompt=True) == wanted + "<|im_start|>assistant\n"


def test_llama_without_a_template(tmp_path):
    made = plain(tmp_path, "llama")
    assert text(made) == (
        "<s>[INST] Hello, how are you? [/INST] I'm doing great. How can I help you today? </s>"
        "<s>[INST] I'd like to show off how chat templating works! [/INST]"
    )
    system = [{"role": "system", "content": "Be brief."}, *LONG[:1]]
    assert text(made, system) == "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello, how are you? [/INST]"
    with pytest.raises(jf.InputError, match="roles must alternate"):
        text(made, LONG[1:])


def test_blenderbot_without_a_template(tmp_path):
    wanted = (
        " Hello, how are you?  I'm doing great. How can I help you today?"
        "   I'd like to show off how chat templating works!</s>"
    )
    assert text(plain(tmp_path, "blenderbot")) == wanted


# ------------------------------------------------------------------------------------------------------ files


def test_saved_and_read(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    assert "chat_template" not in json.loads((tmp_path / "tokenizer_config.json").read_text())
    again = jf.AutoTokenizer.from_pretrained(tmp_path)
    assert again.chat_template == TEMPLATES
    again.chat_template = TEMPLATES["phi"]
    again.save_pretrained(tmp_path / "one")
    assert (tmp_path / "one" / "chat_template.jinja").read_text() == TEMPLATES["phi"]
    last = jf.AutoTokenizer.from_pretrained(tmp_path / "one")
    assert last.apply_chat_template(LONG, tokenize=False) == WANTED["phi/long/0"]


def test_which_of_several(tokenizer):
    with pytest.raises(jf.InputError, match=r"must be one of blenderbot, chatml, .* none of them is the default"):
        tokenizer.apply_chat_template(LONG)
    assert tokenizer.apply_chat_template(LONG, chat_template="{{ messages | length }}", tokenize=False) == "3"
    tokenizer.chat_template = {"default": "plain", "tool_use": "with tools"}
    try:
        assert tokenizer.apply_chat_template(LONG, tokenize=False) == "plain"
        assert tokenizer.apply_chat_template(LONG, tools=TOOLS, tokenize=False) == "with tools"
    finally:
        tokenizer.chat_template = dict(TEMPLATES)


def test_arrays(tokenizer):
    how = {"chat_template": "generation", "return_dict": True, "return_assistant_tokens_mask": True}
    out = tokenizer.apply_chat_template(LONG, return_tensors="np", **how)
    assert out["assistant_masks"].shape == out["input_ids"].shape
    np.testing.assert_array_equal(out["assistant_masks"][0], WANTED["mask/long"])
    assert (
        tokenizer.apply_chat_template(
            LONG, variables_may="be anything", chat_template="{{ variables_may }}", tokenize=False
        )
        == "be anything"
    )


# ------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}", "more than 200000 steps"),
        ("{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", "must end"),
        ("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}", "200000 steps"),
        ("{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}", "at most"),
        ("{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}", "at most"),
        ("{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}", "at most"),
        ("{{ 'a' * 10000000000 }}", "at most"),
        ("{{ 10000000000 * 'a' }}", "at most"),
        ("{{ 9 ** (9 ** 9) }}", "at most"),
        ("{{ 'a'.ljust(10000000000) }}", "at most"),
        (
            "{% set n = namespace(x='aa') %}{% for i in range(60) %}{% set n.x = n.x.replace('a', n.x) %}{% endfor %}",
            "at most",
        ),
        ("{% for i in range(90000) %}{{ 'abcdefgh' * 1000 }}{% endfor %}", "at most"),
        ("{{ range(1000000) }}", "Range too big"),
        ("{{ raise_exception('no such role') }}", "no such role"),
        ("{{ messages.append(3) }}", "could not be rendered"),
        ("{{ ''.__class__.__mro__ }}", "could not be rendered"),
        ("{{ cycler.__init__.__globals__.os }}", "could not be rendered"),
        ("{% for %}", "must be a Jinja template"),
        ("{{ messages[0].nothing.at_all }}", "could not be rendered"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
    ],
)
def test_templates_that_are_cut_off(template, message):
    with pytest.raises(jf.InputError, match=message):
        render(template, {"messages": LONG})


def test_loops_keep_their_length_and_neighbours():
    template = (
        "{% for x in [1, 2, 3] %}{{ loop.index }}/{{ loop.length }}{{ loop.previtem }}{{ loop.last }} {% endfor %}"
    )
    assert render(template, {})[0] == "1/3False 2/31False 3/32True "


def test_bad_calls(tokenizer):
    call = tokenizer.apply_chat_template
    for options, message in (
        ({"return_dict": True, "tokenize": False}, "return_dict needs tokenize=True"),
        ({"return_assistant_tokens_mask": True}, "return_assistant_tokens_mask needs return_dict=True"),
        ({"continue_final_message": True, "add_generation_prompt": True}, "must not come with add_generation_prompt"),
        ({"tools": [3]}, "a tool must be a JSON schema or a function, got 3"),
        ({"documents": ["text"]}, "documents: must be dicts"),
    ):
        with pytest.raises(jf.InputError, match=message):
            call(LONG, chat_template="phi", **options)
    for chat in ([], "hello", [3], [{"content": "no role"}]):
        with pytest.raises(jf.InputError, match="must be a list of messages, dicts with a role"):
            call(chat, chat_template="phi")
    with pytest.raises(jf.InputError, match="must have a text to go on with"):
        call([{"role": "user", "content": None}], chat_template="phi", continue_final_message=True)
    with pytest.raises(jf.InputError, match="must write the last message whole"):
        call(LONG, chat_template="{{ messages[0].content }}", continue_final_message=True)
    with pytest.warns(UserWarning, match="no generation block"):
        call(LONG, chat_template="phi", return_dict=True, return_assistant_tokens_mask=True)


def test_tools_that_say_too_little():
    def silent(x: int):
        pass

    def untyped(x):
        """Does it.

        Args:
            x: A number.
        """

    def unsaid(x: int):
        """Does it."""

    def strange(x: set[int]):
        """Does it.

        Args:
            x: Numbers.
        """

    for tool, message in (
        (silent, "function silent must have a docstring"),
        (untyped, "argument x of untyped must have a type hint"),
        (unsaid, "argument x of unsaid must be described under Args:"),
        (strange, "argument x of strange must have a type that JSON has"),
    ):
        with pytest.raises(jf.InputError, match=message):
            schema(tool)
