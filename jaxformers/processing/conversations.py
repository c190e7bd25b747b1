"""Conversations with images and sound beside texts, as a processor's inputs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.audio.loading import load_audio
from jaxformers.tokenization.chat import messages_of

FILE = "chat_template.json"  # where checkpoints keep a template that is not the tokenizer's
_WHERE = {"image": ("image", "url", "path", "base64"), "audio": ("audio", "url", "path"), "video": ("video",)}


def apply(
    processor: Any,
    conversation: Any,
    chat_template: str | None = None,
    tools: Any = None,
    documents: Any = None,
    add_generation_prompt: bool = False,
    continue_final_message: bool = False,
    tokenize: bool = False,
    return_dict: bool = False,
    return_assistant_tokens_mask: bool = False,
    **options: Any,
) -> Any:
    """A conversation's text, or what the processor makes of it.

    Args:
      conversation: messages `{"role": ..., "content": ...}`, or a list of conversations. A content is a text or a list
        of parts: `{"type": "text", "text": ...}`, `{"type": "image", "image": ...}` (or `url`, `path`, `base64`), so
        `audio`, and `{"type": "video", "video": frames}`.
      chat_template: a template, or the name of one of several; the processor's own by default, else the tokenizer's.
      tools, documents, add_generation_prompt, continue_final_message: as for a tokenizer.
      tokenize: give the ids; False gives the text.
      return_dict: give all fields of the processor's call.
      options: of the processor's call; others are variables of the template.

    Raises:
      InputError: as the tokenizer's and the processor's call, or `return_assistant_tokens_mask`, which is a
        tokenizer's: texts here grow by the tokens of images.
    """
    if return_assistant_tokens_mask:
        rule = "return_assistant_tokens_mask must be asked of the tokenizer, as texts grow by the tokens of images"
        raise InputError(processor.name, [rule])
    known = _known(processor)
    variables = {k: v for k, v in options.items() if k not in known}
    text = processor.tokenizer.apply_chat_template(
        conversation,
        tools=tools,
        documents=documents,
        chat_template=_template(processor, chat_template),
        add_generation_prompt=add_generation_prompt,
        continue_final_message=continue_final_message,
        tokenize=False,
        **variables,
    )
    if not tokenize:
        return text
    chats = conversation if isinstance(text, list) else [conversation]
    given = {k: v for k, v in options.items() if k in known} | _given(processor, chats)
    bos = processor.tokenizer.bos_token
    if bos is not None and (text[0] if isinstance(text, list) else text).startswith(bos):
        given["add_special_tokens"] = False
    out = processor(text=text, **given)
    return out if return_dict else out["input_ids"]


def _known(processor: Any) -> set[str]:
    """The names of options of a processor's call and of its parts' calls."""
    calls = [type(processor).__call__, type(processor.tokenizer)._call]
    calls += [] if processor.other is None else [type(processor.other).__call__]
    names = {name for call in calls for name in inspect.signature(call).parameters}
    return names | set(getattr(processor.other, "defaults", ())) | {"text_kwargs", "images_kwargs", "audio_kwargs"}


def _template(processor: Any, asked: str | None) -> str | None:
    """The template to render; None leaves the choice to the tokenizer."""
    held = processor.chat_template
    if isinstance(held, Mapping):
        if asked is None and "default" not in held:
            names = ", ".join(sorted(held))
            raise InputError("chat_template", [f"must be one of {names}, as none of them is the default"])
        return held.get(asked or "default", asked)
    return held if asked is None else asked


def _given(processor: Any, chats: Sequence[Any]) -> dict[str, Any]:
    """What stands beside texts: images by conversation, sounds at the model's rate and videos, one after another."""
    images = [list(_parts(chat, "image")) for chat in chats]
    sounds = [one for chat in chats for one in _parts(chat, "audio")]
    videos = [one for chat in chats for one in _parts(chat, "video")]
    found: dict[str, Any] = {"videos": videos} if videos else {}
    if any(images):
        found["images"] = images
    if sounds:
        rate = processor.other.sampling_rate
        loaded = [one if isinstance(one, np.ndarray) else load_audio(one, rate)[0] for one in sounds]
        found |= {"audio": loaded, "sampling_rate": rate}
    return found


def _parts(chat: Any, kind: str) -> Iterator[Any]:
    """What the parts of a kind in a conversation hold, where they hold it."""
    for message in messages_of(chat):
        content = message.get("content")
        for part in content if isinstance(content, list | tuple) else ():
            if part.get("type") == kind:
                yield from (part[key] for key in _WHERE[kind] if part.get(key) is not None)
