"""Processors of tasks, videos, found things and sound: what they take, and one clear error for bad input."""

import json

import numpy as np
import pytest
from images.case import PICTURES
from processors.own import cases

import jaxformers as jf

BY_NAME = {case.name: case for _, case in cases()}


@pytest.fixture
def load(tmp_path):
    def made(name):
        return jf.AutoProcessor.from_pretrained(BY_NAME[name].write(tmp_path))

    return made


def test_what_prepares_videos_may_stand_in_a_file_of_its_own(tmp_path):
    held = json.loads((BY_NAME["instructblipvideo"].write(tmp_path) / "preprocessor_config.json").read_text())
    (tmp_path / "preprocessor_config.json").unlink()
    held["video_processor_type"] = held.pop("image_processor_type").replace("Image", "Video")
    (tmp_path / "video_preprocessor_config.json").write_text(json.dumps(held))
    assert jf.AutoProcessor.from_pretrained(tmp_path).image_processor.size == {"height": 4, "width": 5}


def test_tasks(load, tmp_path):
    processor = load("oneformer")
    picture = PICTURES["wide"]
    one, listed = (processor(picture, tasks) for tasks in ("semantic", ["semantic"]))
    np.testing.assert_array_equal(one.task_inputs, listed.task_inputs)
    with pytest.raises(jf.InputError, match="task_inputs must be given"):
        processor(picture)
    with pytest.raises(jf.InputError, match="must be one of semantic, instance, panoptic for each of 1 images"):
        processor(picture, ["semantics"])
    (tmp_path / "processor_config.json").write_text('{"processor_class": "OneFormerProcessor", "max_seq_length": 0}')
    with pytest.raises(jf.CheckpointError, match="max_seq_length must be a whole number from 1 on, got 0"):
        jf.AutoProcessor.from_pretrained(tmp_path)


def test_one_side_is_given(load):
    speech = load("seamless_m4t")
    for given in ({}, {"text": "a", "audio": np.zeros(800)}):
        with pytest.raises(jf.InputError, match="text or audio must be given, not both"):
            speech(**given)
    with pytest.raises(jf.InputError, match="src_lang"):
        speech(text="a", src_lang="xyz")


def test_parts_of_sounds(load):
    extractor = load("musicgen-melody").feature_extractor
    with pytest.raises(jf.InputError, match="parts must be at least 4, got 3"):
        extractor(np.zeros((1, 3, 2, 900)), sampling_rate=44100)
    with pytest.raises(jf.InputError, match="sampling_rate must be 32000"):
        extractor(np.zeros(900), sampling_rate=44100)


def test_nothing_to_pad(load):
    with pytest.raises(jf.InputError, match="input_features or labels must be given"):
        load("mctct").pad()


def test_sounds_that_are_made(load):
    music = load("musicgen-stereo")
    made = np.arange(12.0).reshape(1, 2, 6)
    np.testing.assert_array_equal(music.batch_decode(made, padding_mask=[[0, 1, 1]])[0], made[0, :, 1:])
    with pytest.raises(jf.InputError, match=r"audio must be \[B, channels, samples\], got shape \[2, 6\]"):
        music.batch_decode(made[0])
    with pytest.raises(jf.InputError, match=r"padding_mask must be \[1, up to 6\], got shape \[1, 7\]"):
        music.batch_decode(made, padding_mask=np.ones((1, 7)))
    with pytest.raises(jf.InputError, match="text or audio must be given"):
        music()


def test_videos_have_two_names(load):
    """The reference leaves out what is given as `videos`."""
    clip, frames = load("xclip"), [PICTURES["wide"]] * 2
    a, b = clip(frames, "two cats", return_tensors="np"), clip(videos=frames, text="two cats", return_tensors="np")
    np.testing.assert_array_equal(a.pixel_values, b.pixel_values)
    with pytest.raises(jf.InputError, match="images or videos must be given, not both"):
        clip(frames, videos=frames)
    with pytest.raises(jf.InputError, match=r"logits must be \[B, 2\], got shape \[2\]"):
        load("tvp").post_process_video_grounding(np.zeros(2), 1.0)


def test_found_words_need_their_ids(load):
    processor = load("grounding-dino")
    outputs = {"logits": np.zeros((1, 2, 8)), "pred_boxes": np.zeros((1, 2, 4))}
    with pytest.raises(jf.InputError, match="outputs must hold input_ids"):
        processor.post_process_grounded_object_detection(outputs)
    with pytest.raises(jf.InputError, match=r"input_ids must be \[1, S\], got shape \[8\]"):
        processor.post_process_grounded_object_detection(outputs, np.zeros(8))
    assert processor.post_process_grounded_object_detection(outputs, [[5] * 8])[0]["scores"].shape == (2,)


def test_videos_and_sounds(load):
    processor = load("tvlt")
    assert (processor.image_processor.name, processor.feature_extractor.feature_size) == ("TvltImageProcessor", 32)
    with pytest.raises(jf.InputError, match="images or audio must be given"):
        processor()


def test_voices(load, tmp_path):
    bark = load("bark")
    bark.save_pretrained(tmp_path / "again")
    again = jf.AutoProcessor.from_pretrained(tmp_path / "again")
    for name in ("en_speaker_0", "de_speaker_1"):
        made, kept = (p("a", voice_preset=name).history_prompt for p in (bark, again))
        assert all((made[part] == kept[part]).all() for part in ("semantic_prompt", "coarse_prompt", "fine_prompt"))
    with pytest.raises(
        jf.InputError, match=r"voice_preset must be a voice, of en_speaker_0, de_speaker_1, or an \.npz"
    ):
        bark("a", voice_preset="no one")
    with pytest.raises(jf.InputError, match="coarse_prompt of a voice must be an array of 2 axes, got shape None"):
        bark("a", voice_preset={"semantic_prompt": np.zeros(3), "fine_prompt": np.zeros((8, 3))})
    (tmp_path / "speaker_embeddings" / "en_speaker_0_fine_prompt.npy").write_bytes(b"no")
    with pytest.raises(jf.CheckpointError, match="must be an array of a voice"):
        bark("a", voice_preset="en_speaker_0")


def test_sounds_among_texts(load):
    processor = load("qwen2_audio")
    with pytest.raises(jf.InputError, match=r"texts must hold '<\|AUDIO\|>' for each of 1 sounds, got 2"):
        processor("<|AUDIO|> <|AUDIO|>", np.zeros(800), sampling_rate=16000)
    with pytest.raises(jf.InputError, match="text must be given"):
        processor(audio=np.zeros(800))


def test_pages_and_questions(load):
    processor = load("colpali")
    for given in ({}, {"images": PICTURES["wide"], "text": "why?"}):
        with pytest.raises(jf.InputError, match="images or text must be given, not both"):
            processor(**given)
    with pytest.raises(jf.InputError, match="there must be questions and pages"):
        processor.score_retrieval([np.zeros((2, 3))], [])
