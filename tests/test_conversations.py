"""Conversations with images, sound and videos among texts: what processors make of them, by which template."""

import wave

import numpy as np
import pytest
from images.case import PICTURES
from processors.own import cases

import jaxformers as jf

BY_NAME = {case.name: case for _, case in cases()}
_ASKED = "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for part in m.content %}"
_ASKED += "{{ part.text or part.mark }}{% endfor %}{% endif %}{% endfor %}"


@pytest.fixture
def load(tmp_path):
    def made(name):
        return jf.AutoProcessor.from_pretrained(BY_NAME[name].write(tmp_path))

    return made


def test_conversations_with_sound_and_videos(load, tmp_path):
    music = load("musicgen")
    file = tmp_path / "tone.wav"
    with wave.open(str(file), "wb") as f:
        f.setparams((1, 2, 24000, 0, "NONE", ""))
        f.writeframes((np.sin(np.arange(2400)) * 9000).astype(np.int16).tobytes())
    chat = [{"role": "user", "content": [{"type": "audio", "path": str(file), "mark": "a beat"}]}]
    out = music.apply_chat_template(chat, chat_template=_ASKED, tokenize=True, return_dict=True, return_tensors="np")
    assert (out.input_values.shape, out.input_ids.ndim) == ((1, 1, 2400), 2)
    qwen, clip = load("qwen2_vl"), [PICTURES["wide"]] * 2
    chat = [{"role": "user", "content": [{"type": "video", "video": clip, "mark": "<|video_pad|>"}]}]
    fields = qwen.apply_chat_template(chat, chat_template=_ASKED, tokenize=True, return_dict=True)
    assert "pixel_values_videos" in fields


def test_templates_of_processors(load, tmp_path):
    processor = load("chat-llava")
    chat = [{"role": "user", "content": [{"type": "text", "text": "a cat"}]}]
    processor.save_pretrained(tmp_path / "again")
    again = jf.AutoProcessor.from_pretrained(tmp_path / "again")
    assert again.apply_chat_template(chat) == processor.apply_chat_template(chat)
    assert again.apply_chat_template([{"role": "user", "content": "two"}], chat_template=_ASKED) == "two"
    again.chat_template = {"short": "{{ messages | length }}"}
    assert again.apply_chat_template(chat, chat_template="short") == "1"
    with pytest.raises(jf.InputError, match="must be one of short, as none of them is the default"):
        again.apply_chat_template(chat)
    with pytest.raises(jf.InputError, match="return_assistant_tokens_mask must be asked of the tokenizer"):
        again.apply_chat_template(chat, return_assistant_tokens_mask=True)
    (tmp_path / "chat_template.json").unlink()
    plain = jf.AutoProcessor.from_pretrained(tmp_path)
    plain.tokenizer.chat_template = "{{ messages[0].role }}"
    assert plain.apply_chat_template(chat) == "user"
