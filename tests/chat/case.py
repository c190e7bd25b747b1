"""Chat templates in the styles of well-known checkpoints, and conversations to write by them."""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import Any, Literal

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens" / "chat"
VOCABULARY = GOLDENS.parent / "tokenizers" / "files" / "wordpiece.txt"

TEMPLATES = {
    "chatml": "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "llama2": "{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}{% set sys = messages[0].content %}"
    "{% else %}{% set rest = messages %}{% set sys = none %}{% endif %}{% for m in rest %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('no turns') }}{% endif %}"
    "{% set c = ('<<SYS>>\n' ~ sys ~ '\n<</SYS>>\n\n' ~ m.content) if loop.first and sys else m.content %}"
    "{% if m.role == 'user' %}{{ bos_token ~ '[INST] ' ~ c | trim ~ ' [/INST]' }}"
    "{% else %}{{ ' ' ~ c | trim ~ ' ' ~ eos_token }}{% endif %}{% endfor %}",
    "llama3": """{{- bos_token }}
{%- for m in messages %}
    {%- set text = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' %}
    {{- text }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
""",
    "mistral-tools": """{{ bos_token }}{% if tools %}[TOOLS] {{ tools | tojson }}[/TOOLS]{% endif %}
{% for m in messages %}
    {% if m.role == 'user' %}
[INST] {{ m.content }}[/INST]
    {%- elif m.tool_calls is defined %}
[TOOL_CALLS] {{ m.tool_calls | tojson(indent=1) }}{{ eos_token }}
    {%- else %}
 {{ m.content }}{{ eos_token }}
    {%- endif %}
{% endfor %}
""",
    "zephyr": "{% for m in messages %}\n{% if m['role'] == 'user' %}\n{{ '<|user|>\n' + m['content'] + eos_token }}\n"
    "{% elif m['role'] == 'system' %}\n{{ '<|system|>\n' + m['content'] + eos_token }}\n{% else %}\n"
    "{{ '<|assistant|>\n' + m['content'] + eos_token }}\n{% endif %}\n"
    "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
    "gemma": "{{ bos_token }}{% for m in messages if m.role != 'system' %}"
    "{% set role = 'model' if m.role == 'assistant' else m.role %}"
    "{{ '<start_of_turn>' + role + '\n' + m.content | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
    "qwen-tools": """{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content }}{%- else %}{{- 'You help.' }}{%- endif %}
    {{- "\n# Tools\n<tools>" }}
    {%- for tool in tools %}
        {{- "\n" }}{{- tool | tojson }}
    {%- endfor %}
    {{- "\n</tools><|im_end|>\n" }}
{%- endif %}
{%- for m in messages %}
    {%- if m.role == 'tool' %}
        {%- if loop.index0 == 0 or messages[loop.index0 - 1].role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\n<tool_response>\n' + m.content + '\n</tool_response>' }}
        {%- if loop.last or loop.nextitem.role != 'tool' %}{{- '<|im_end|>\n' }}{%- endif %}
    {%- elif not (tools and m.role == 'system') %}
        {{- '<|im_start|>' + m.role + '\n' + (m.content or '') + '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}""",
    "deepseek": "{% set ns = namespace(system='', n=0) %}{% for m in messages %}{% if m.role == 'system' %}"
    "{% set ns.system = ns.system + m.content %}{% endif %}{% endfor %}{{ bos_token }}{{ ns.system }}"
    "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{% set ns.n = ns.n + 1 %}"
    "{% if m.role == 'assistant' %}{{ '<|Assistant|>' + (m.content.split('</think>') | last) + eos_token }}"
    "{% else %}{{ '<|User|>' + m.content }}{% endif %}{% endfor %}{{ ns.n }}",
    "phi": "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}"
    "{{ '<|assistant|>\n' if add_generation_prompt else eos_token }}",
    "documents": """{{ bos_token }}{% if documents %}<results>
{% for d in documents %}
Document: {{ loop.index0 }}
{% for key, value in d | dictsort %}
{{ key | title }}: {{ value }}
{% endfor %}
{% endfor %}
</results>{% endif %}{% for m in messages %}<|{{ m.role | upper }}|>{{ m.content }}{% endfor %}""",
    "generation": "{% for m in messages %}{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content + ' ' + eos_token }}"
    "{% endgeneration %}{% else %}{{ m.role + ' : ' + m.content + ' ' }}{% endif %}{% endfor %}",
    "blenderbot": "{% for m in messages %}{% if m.role == 'user' %}{{ ' ' }}{% endif %}{{ m.content }}"
    "{% if not loop.last %}{{ '  ' }}{% endif %}{% endfor %}{{ eos_token }}",
    "macros": "{% macro say(m, depth=0) %}{{ '>' * depth }}{{ m.role }}: {{ m.content }}\n{% endmacro %}"
    "{% for m in messages | sort(attribute='role') %}{{ say(m, loop.index) }}{% endfor %}"
    "{{ messages | map(attribute='role') | join(' | ') }}{{ {'a': [1, 2.5, true, none, 'é<&>']} | tojson }}",
    "parts": "{% for m in messages %}[{{ m.role }}]{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% else %}<image>{% endif %}"
    "{% endfor %}{% endif %}\n{% endfor %}",
}


def _say(*turns: str, system: str | None = None) -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    first = [] if system is None else [{"role": "system", "content": system}]
    return [*first, *({"role": roles[i % 2], "content": text} for i, text in enumerate(turns))]


CONVERSATIONS = {
    "short": _say("Hello, how are you?"),
    "long": _say(
        "Hello, how are you?",
        "I'm doing great. How can I help you today?",
        "I'd like to show off how chat templating works!",
    ),
    "system": _say("Hi", "<think>hm</think> Hello.  ", " What now? \n", system="You are a café, naïve & <bold>."),
    "answered": _say("One", "Two", "Three", "Four"),
    "parts": [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "A cat, it  "}]},
    ],
    "tool": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "", "tool_calls": [{"name": "weather", "arguments": {"place": "Zürich"}}]},
        {"role": "tool", "content": "sunny"},
        {"role": "tool", "content": "warm"},
        {"role": "assistant", "content": "Sunny and warm."},
    ],
}


def weather(place: str, days: int = 1, unit: Literal["C", "F"] = "C", detail: float | None = None) -> dict[str, str]:
    """The weather of a place,
    for some days.

    Args:
        place: Where it is wanted,
            a town's name.
        days: How many days.
        unit: Of temperatures.
        detail: How much of it.

    Returns:
        The weather by day.
    """
    raise AssertionError("templates never call a tool")


def drink(what: str, with_: list[str | int], size: tuple[int, float], more: bool | str = False):
    """Orders a drink.

    Args:
        what: The drink (choices: ["tea", "coffee"])
        with_: What goes in.
        size: Cups and litres.
        more: Another one?
    """


TOOLS = [weather, drink, {"type": "function", "function": {"name": "plain"}}]
DOCUMENTS = [{"title": "Cats", "text": "They purr."}, {"title": "Dogs", "text": "They bark."}]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"add_generation_prompt": True},
    {"continue_final_message": True},
    {"tools": TOOLS},
    {"documents": DOCUMENTS},
]


def write(directory: pathlib.Path) -> pathlib.Path:
    """A checkpoint with the tests' vocabulary and all templates."""
    shutil.copy(VOCABULARY, directory / "vocab.txt")
    listed = [{"name": name, "template": text} for name, text in TEMPLATES.items()]
    config = {"tokenizer_class": "BertTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "chat_template": listed}
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    return directory


def observe(tokenizer) -> dict[str, Any]:
    """What a tokenizer of either side makes of every conversation by every template and option."""
    found: dict[str, Any] = {}
    for template in TEMPLATES:
        for name, chat in CONVERSATIONS.items():
            for i, options in enumerate(OPTIONS):
                key = f"{template}/{name}/{i}"
                try:
                    found[key] = tokenizer.apply_chat_template(chat, chat_template=template, tokenize=False, **options)
                except Exception:
                    found[key] = None
    for name in ("short", "long", "answered"):
        how = {"chat_template": "generation", "return_dict": True, "return_assistant_tokens_mask": True}
        out = tokenizer.apply_chat_template(CONVERSATIONS[name], **how)
        found[f"ids/{name}"], found[f"mask/{name}"] = list(out["input_ids"]), list(out["assistant_masks"])
    both = [CONVERSATIONS["short"], CONVERSATIONS["long"]]
    found["batch"] = tokenizer.apply_chat_template(
        both, chat_template="phi", padding=True, return_tensors="np"
    ).tolist()
    return found
