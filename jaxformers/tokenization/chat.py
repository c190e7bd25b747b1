"""Conversations as the text that a model was trained on: `apply_chat_template`, a part of every tokenizer."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Mapping
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization.templates import render
from jaxformers.tokenization.tensors import arrays
from jaxformers.tokenization.tools import schema

# What stands for classes that have no template of their own: https://github.com/openai/openai-python/blob/main/chatml.md
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA = (
    "{% set system = false %}{% set turns = messages %}"
    "{% if messages[0]['role'] == 'system' %}"
    "{% set system = messages[0]['content'] %}{% set turns = messages[1:] %}"
    "{% endif %}"
    "{% for message in turns %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate between user and assistant') }}"
    "{% endif %}"
    "{% set said = message['content'].strip() %}"
    "{% if loop.first and system %}"
    "{% set said = ('<<SYS>>\n' + system + '\n<</SYS>>\n\n' + message['content']).strip() %}"
    "{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + said + ' [/INST]' }}"
    "{% else %}{{ ' ' + said + ' ' + eos_token }}{% endif %}"
    "{% endfor %}"
)
BLENDERBOT = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ ' ' }}{% endif %}"
    "{{ message['content'] }}{% if not loop.last %}{{ '  ' }}{% endif %}"
    "{% endfor %}{{ eos_token }}"
)
DEFAULTS = {
    **dict.fromkeys(("llama", "codellama", "mistral", "mixtral"), LLAMA),
    **dict.fromkeys(("blenderbot", "blenderbotsmall"), BLENDERBOT),
}
_TAG = "\u2402end of the message\u2402"  # where a message to go on with ends


class ChatTemplates:
    """What tokenizers do with conversations: lists of `{"role": ..., "content": ...}`.

    `chat_template` is a template, several by name, or None.
    """

    chat_template: str | dict[str, str] | None = None
    kind: str = ""  # the tokenizer's class, as `kinds.stem` gives it

    @property
    def default_chat_template(self) -> str:
        """The template of the tokenizer's class; ChatML for classes that have none."""
        return DEFAULTS.get(self.kind, CHATML)

    def get_chat_template(self, chat_template: str | None = None, tools: Any = None) -> str:
        """The template that a call uses.

        Args:
          chat_template: a template, or the name of one of several; None is that for tools (with `tools`, if there is
            one), the default one, or that of the class.

        Raises:
          InputError: there are several, none is the default, and none was named.
        """
        held = self.chat_template
        if isinstance(held, Mapping):
            wanted = chat_template or ("tool_use" if tools is not None and "tool_use" in held else "default")
            if wanted in held:
                return held[wanted]
            if chat_template is None:
                names = ", ".join(sorted(held))
                raise InputError("chat_template", [f"must be one of {names}, as none of them is the default"])
            return chat_template
        if chat_template is not None:
            return chat_template
        if held is not None:
            return held
        what = "the class's" if self.kind in DEFAULTS else "ChatML"
        warnings.warn(f"the checkpoint has no chat template; {what} is used", stacklevel=3)
        return self.default_chat_template

    def apply_chat_template(
        self,
        conversation: Any,
        tools: Any = None,
        documents: Any = None,
        chat_template: str | None = None,
        add_generation_prompt: bool = False,
        continue_final_message: bool = False,
        tokenize: bool = True,
        padding: bool | str = False,
        truncation: bool | str = False,
        max_length: int | None = None,
        return_tensors: str | None = None,
        return_dict: bool = False,
        return_assistant_tokens_mask: bool = False,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        **variables: Any,
    ) -> Any:
        """The token ids of a conversation, or its text.

        Args:
          conversation: messages `{"role": str, "content": str, ...}`, or a list of conversations.
          tools: functions or JSON schemas that the model may call; see `tools.schema`.
          documents: dicts of what the model may read, by convention with `title` and `text`.
          chat_template: see `get_chat_template`.
          add_generation_prompt: end with what introduces the assistant's answer.
          continue_final_message: leave the last message open, for the model to go on with.
          tokenize: ids; False gives the text.
          padding, truncation, max_length, return_tensors: as for a call of the tokenizer.
          return_dict: all that the call returns, and not the ids alone.
          return_assistant_tokens_mask: with it also `assistant_masks`, 1 at tokens that the assistant says: inside the
            template's `{% generation %}` blocks.
          tokenizer_kwargs: further options of the tokenizer's call.
          variables: what the template may read beside messages, tools, documents and special tokens.

        Raises:
          InputError: options that do not go together, messages that are none, or a template that can not be rendered.
        """
        _together(add_generation_prompt, continue_final_message, tokenize, return_dict, return_assistant_tokens_mask)
        template = self.get_chat_template(chat_template, tools)
        many = isinstance(conversation, list | tuple) and bool(conversation)
        many = many and isinstance(conversation[0], list | tuple)
        chats = [messages_of(chat) for chat in (conversation if many else [conversation])]
        if return_assistant_tokens_mask and not re.search(r"{%-?\s*generation\s*-?%}", template):
            warnings.warn("the chat template has no generation block: assistant_masks are zeros", stacklevel=2)
        if documents is not None and not all(isinstance(d, Mapping) for d in documents):
            raise InputError("documents", [f"must be dicts, got {documents!r:.80}"])
        shared = {
            **self.special_tokens_map,  # type: ignore[attr-defined]
            **variables,
            "tools": None if tools is None else [schema(tool) for tool in tools],
            "documents": documents,
            "add_generation_prompt": add_generation_prompt,
        }
        write = _left_open if continue_final_message else _whole
        done = [write(template, chat, shared) for chat in chats]
        texts, spans = [text for text, _ in done], [places for _, places in done]
        if not tokenize:
            return texts if many else texts[0]
        options = {"padding": padding, "truncation": truncation, "max_length": max_length, **(tokenizer_kwargs or {})}
        options = {"add_special_tokens": False, "return_tensors": return_tensors, **options}
        out = self(texts if many else texts[0], **options)  # type: ignore[operator]
        if not return_dict:
            return out["input_ids"]
        if return_assistant_tokens_mask:
            masks = [_mask(e, places) for e, places in zip(out.encodings, spans, strict=True)]
            out["assistant_masks"] = masks if many or return_tensors else masks[0]
            if return_tensors:
                out["assistant_masks"] = arrays({"assistant_masks": masks}, return_tensors)["assistant_masks"]
        return out


def _together(prompt: bool, left_open: bool, tokenize: bool, return_dict: bool, masks: bool) -> None:
    rules = (
        (return_dict and not tokenize, "return_dict needs tokenize=True, got False"),
        (masks and not return_dict, "return_assistant_tokens_mask needs return_dict=True, got False"),
        (left_open and prompt, "continue_final_message must not come with add_generation_prompt"),
        (left_open and masks, "continue_final_message must not come with return_assistant_tokens_mask"),
    )
    if problems := [text for wrong, text in rules if wrong]:
        raise InputError("apply_chat_template", problems)


def messages_of(chat: Any) -> list[Mapping[str, Any]]:
    """The messages of a conversation.

    Raises:
      InputError: it is no list of messages.
    """
    if not isinstance(chat, list | tuple) or not chat or not all(isinstance(m, Mapping) and "role" in m for m in chat):
        problem = f"must be a list of messages, dicts with a role, got {chat!r:.80}"
        raise InputError("conversation", [problem])
    return list(chat)


def _whole(template: str, chat: list, shared: Mapping[str, Any]) -> tuple[str, list]:
    return render(template, {**shared, "messages": chat})


def _left_open(template: str, chat: list, shared: Mapping[str, Any]) -> tuple[str, list]:
    """A conversation's text up to the end of the last message's content."""
    chat = copy.deepcopy(chat)
    content = chat[-1].get("content")
    part = next((p for p in reversed(content) if "text" in p), None) if isinstance(content, list | tuple) else chat[-1]
    key = "content" if part is chat[-1] else "text"
    if part is None or not isinstance(part.get(key), str):
        raise InputError("continue_final_message", ["the last message must have a text to go on with"])
    said = part[key]
    part[key] = said + _TAG + " "
    text, places = render(template, {**shared, "messages": chat})
    at = text.rfind(_TAG)
    if at < 0 or said.strip() not in text:
        raise InputError("continue_final_message", ["the template must write the last message whole, and does not"])
    kept = text[:at].replace(_TAG + " ", "").replace(_TAG, "")  # of templates that write a message more than once
    return (kept if text[at + len(_TAG) : at + len(_TAG) + 1] == " " else kept.rstrip()), places


def _mask(encoding: Any, places: list[tuple[int, int]]) -> list[int]:
    """1 for each token of an encoding that lies in one of the places (start, end) of its text."""
    mask = [0] * len(encoding)
    for start, end in places:
        first, last = encoding.char_to_token(start), encoding.char_to_token(end - 1)
        if first is None:
            break
        mask[first : (last or len(mask) - 1) + 1] = [1] * ((last or len(mask) - 1) + 1 - first)
    return mask
