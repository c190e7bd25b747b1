"""What tokenizer_config.json may say, and how it is brought into a `tokenizers.Tokenizer`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import tokenizers

SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
FLAGS = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")
_OF_CLASSES = """
    add_blank add_bos_token add_eos_token bod_token cell_trim_length cls_token_box default_velocity delimiter
    do_basic_tokenize do_clean_text do_phonemize do_subword_tokenize do_upper_case do_word_tokenize empty_token
    entity_mask2_token entity_mask_token entity_pad_token entity_token_1 entity_token_2 entity_unk_token eod_token
    eot_token errors extra_ids fill_token is_uroman jumanpp_kwargs keep_accents lang_codes language language_codes
    legacy legacy_behaviour line_token lower_case mask_token_sent max_cell_length max_column_id max_depth
    max_entity_length max_mention_length max_n_lyric_tokens max_question_length max_row_id max_width mecab_kwargs
    middle_token min_question_length n_genres never_split normalize num_bars offset only_label_first_subword
    pad_token_box pad_token_label pad_width phone_delimiter_token phonemize phonemizer_backend phonemizer_lang
    predict_timestamps prefix_token remove_space replace_word_delimiter_char sep_token_box separate_vocabs
    space_token split_by_punct src_lang strip_column_names subword_tokenizer_type sudachi_kwargs suffix_first
    suffix_token tags_dict target_lang task tgt_lang trim_offsets update_answer_coordinates
    use_default_system_prompt version word_delimiter_token word_tokenizer_type
"""
_OF_ALL = """
    add_prefix_space additional_special_tokens chat_template clean_up_tokenization_spaces do_lower_case
    extra_special_tokens model_input_names model_max_length padding_side split_special_tokens strip_accents
    tokenize_chinese_chars truncation_side
"""
_SPACE = "add_prefix_space"
_TRIMMED = """
    bart bridgetower clap data2vectext ibert layoutlmv3 led longformer mega mra mvp roberta robertaprelayernorm
"""  # classes and model types
SETTINGS = frozenset((*SPECIAL, *_OF_ALL.split(), *_OF_CLASSES.split()))


def text_of(token: Any) -> Any:
    """A special token's text: files hold it plain or as an object."""
    if isinstance(token, tokenizers.AddedToken):
        return token.content
    return token.get("content") if isinstance(token, Mapping) else token


def added(token: Any, special: bool = True) -> tokenizers.AddedToken:
    """A token that files hold plain or as an object, with its flags."""
    if isinstance(token, tokenizers.AddedToken):
        token = {**saved(token), "special": special}
    if not isinstance(token, Mapping):
        return tokenizers.AddedToken(token, special=special)
    return tokenizers.AddedToken(**{"special": special, **{k: token[k] for k in FLAGS if k in token}})


def saved(token: tokenizers.AddedToken) -> dict[str, Any]:
    """A token as `added_tokens_decoder` holds it."""
    return {name: getattr(token, name) for name in FLAGS}


def add_named_tokens(backend: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> None:
    """Tokens that the settings name and tokenizer.json does not hold, or holds with other flags."""
    held = {repr(t) for t in backend.get_added_tokens_decoder().values()}
    listed = sorted((settings.get("added_tokens_decoder") or {}).items(), key=lambda item: int(item[0]))
    new = [t for t in (added(entry, special=False) for _, entry in listed) if repr(t) not in held]
    known = {t.content for t in [*backend.get_added_tokens_decoder().values(), *new]}
    roles = [settings.get(name) for name in SPECIAL]
    roles += settings.get("additional_special_tokens") or ()
    roles += (settings.get("extra_special_tokens") or {}).values()
    for token in roles:
        if token is not None and text_of(token) not in known:
            known.add(text_of(token))
            new.append(added(token))
    if new:
        backend.add_tokens(new)


def agree(backend: tokenizers.Tokenizer, settings: Mapping[str, Any], kind: str = "") -> None:
    """Where tokenizer_config.json and tokenizer.json disagree on how text is split, the former wins.

    `kind`: the class, as `kinds.stem` gives it; RoBERTa's and its like also say where tokens begin.
    """
    around = backend.post_processor
    if kind in _TRIMMED.split() and isinstance(around, tokenizers.processors.RobertaProcessing):
        held = json.loads(around.__getstate__())
        told = {"trim_offsets": settings.get("trim_offsets", True), "add_prefix_space": bool(settings.get(_SPACE))}
        sep, cls = tuple(held["sep"]), tuple(held["cls"])
        backend.post_processor = tokenizers.processors.RobertaProcessing(sep, cls, **told)
    if isinstance(backend.normalizer, tokenizers.normalizers.BertNormalizer):
        for key, attribute in (
            ("do_lower_case", "lowercase"),
            ("strip_accents", "strip_accents"),
            ("tokenize_chinese_chars", "handle_chinese_chars"),
        ):
            if key in settings:
                setattr(backend.normalizer, attribute, settings[key])
    if isinstance(backend.pre_tokenizer, tokenizers.pre_tokenizers.ByteLevel):
        backend.pre_tokenizer.add_prefix_space = bool(settings.get(_SPACE))
