"""The classes of tokenizers: what each means where files are older than tokenizer.json, or say less than the class.

Early checkpoints ship their vocabulary and little else; the class that `tokenizer_class` or `model_type` names says
the rest. `kinds` reads this table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Kind:
    """Tokenizer classes that are alike.

    Args:
      stems: their names in lower case, without "Tokenizer" and "Fast"; and the model types that use them.
      tokens: the text of each special token by role.
      types: does the model take `token_type_ids`?
      format: the module of `jaxformers.tokenization.formats` that builds one from files other than tokenizer.json.
      side: where padding goes.
      masks: does the model take `attention_mask`?
      pad_type: the token type of padding.
      cleans: are spaces in decoded text cleaned up, of a tokenizer built by `format`?
      longest: tokens of the longest input, of classes that know it.
      more: further settings that the class has by itself.
    """

    stems: str
    tokens: Mapping[str, str]
    types: bool = False
    format: str | None = None
    side: str = "right"
    cleans: bool = False
    masks: bool = True
    pad_type: int = 0
    longest: int | None = None
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)


_BRACKETS = dict(unk="[UNK]", sep="[SEP]", pad="[PAD]", cls="[CLS]", mask="[MASK]")
_ANGLES = dict(bos="<s>", eos="</s>", unk="<unk>", pad="<pad>")
_ROBERTA = dict(_ANGLES, sep="</s>", cls="<s>", mask="<mask>")
_ALBERT = dict(_BRACKETS, unk="<unk>", pad="<pad>")
_PEGASUS = dict(eos="</s>", unk="<unk>", pad="<pad>", mask="<mask_2>")
_T5 = dict(eos="</s>", unk="<unk>", pad="<pad>")
_XLNET = dict(_ANGLES, sep="<sep>", cls="<cls>", mask="<mask>")
_LLAMA = dict(bos="<s>", eos="</s>", unk="<unk>")
_GEMMA = dict(bos="<bos>", eos="<eos>", unk="<unk>", pad="<pad>")
_FUNNEL = dict(bos="<s>", eos="</s>", unk="<unk>", sep="<sep>", pad="<pad>", cls="<cls>", mask="<mask>")
_PERCEIVER = dict(bos="[BOS]", eos="[EOS]", sep="[SEP]", pad="[PAD]", cls="[CLS]", mask="[MASK]")
_CANINE = dict(bos="\ue000", eos="\ue001", sep="\ue001", pad="\0", cls="\ue000", mask="\ue003")
_XLM = dict(bos="<s>", unk="<unk>", sep="</s>", pad="<pad>", cls="</s>", mask="<special1>")
_BLENDERBOT = dict(bos="__start__", eos="__end__", unk="__unk__", pad="__null__")
_END = "<|endoftext|>"
_ENDS = dict(bos=_END, eos=_END, unk=_END)
_GPTSAN = dict(bos="<|startoftext|>", eos=_END, unk="<|nottoken|>", sep="<|segmenter|>", pad="<|separator|>")
_COHERE = dict(bos="<BOS_TOKEN>", eos="<|END_OF_TURN_TOKEN|>", unk="<UNK>")
_QWEN = dict(eos=_END, unk=_END, pad=_END)
_CLIP = dict(_QWEN, bos="<|startoftext|>")
_SPEECH = (
    "data2vecaudio hubert sew sewd unispeech unispeechsat wav2vec2 wav2vec2bert wav2vec2conformer wav2vec2ctc wavlm"
)

_PAD_BOX: dict[str, Any] = dict(pad_token_box=[0] * 4, pad_token_label=-100, only_label_first_subword=True)
_ANTS: dict[str, Any] = dict(bod_token="<d>", eod_token="</d>", line_token="</n>", space_token="</_>")
_SWITCHED = "gemma gemma2 gemma3 gptneox llama mistral mixtral siglip2"
_PATHS: dict[str, Any] = dict(max_depth=50, max_width=1000, pad_width=1001, pad_token_label=-100)
_NOTES: dict[str, Any] = dict(default_velocity=77, num_bars=2, model_input_names=["token_ids", "attention_mask"])
_SEP_BOX = dict(_PAD_BOX, sep_token_box=[1000] * 4)
_BOXES = dict(_SEP_BOX, cls_token_box=[0] * 4)

KINDS = (
    Kind("bert convbert electra ernie layoutlm lxmert megatronbert", _BRACKETS, True, "wordpiece", cleans=True),
    Kind("mobilebert nezha squeezebert vilt visualbert", _BRACKETS, True, "wordpiece", cleans=True),
    Kind("align bark blip bros chineseclip git groundingdino", _BRACKETS, True, "wordpiece", cleans=True),
    Kind("mmgroundingdino qdqbert tvp", _BRACKETS, True, "wordpiece", cleans=True),
    Kind("dpr dprcontextencoder dprquestionencoder", _BRACKETS, True, "wordpiece", cleans=True),
    Kind("dprreader", _BRACKETS, False, "wordpiece", cleans=True),
    Kind("rocbert", _BRACKETS, True, "wordpiece"),
    Kind("tapas", _BRACKETS, True, "wordpiece", cleans=True, longest=512),
    Kind("realm splinter", _BRACKETS, True, "wordpiece"),
    Kind("retribert", _BRACKETS, False, "wordpiece"),
    Kind("funnel", _FUNNEL, True, "wordpiece", cleans=True),
    Kind("roformer", _BRACKETS, True, "wordpiece"),
    Kind("layoutlmv2", _BRACKETS, True, "wordpiece", cleans=True, more=_BOXES),
    Kind("distilbert", _BRACKETS, False, "wordpiece", cleans=True),
    Kind("deberta", dict(_BRACKETS, bos="[CLS]", eos="[SEP]"), True, "byte_bpe"),
    Kind("debertav2 rembert", dict(_BRACKETS, bos="[CLS]", eos="[SEP]"), True, "sentencepiece"),
    Kind("albert nystromformer yoso", dict(_ALBERT, bos="[CLS]", eos="[SEP]"), True, "sentencepiece"),
    Kind("fnet", _ALBERT, True, "sentencepiece", masks=False),
    Kind("bigbird", dict(_ALBERT, bos="<s>", eos="</s>"), False, "sentencepiece"),
    Kind("xlnet", _XLNET, True, "sentencepiece", side="left", pad_type=3),
    Kind("barthez camembert xlmroberta xlmrobertaxl xmod", _ROBERTA, False, "sentencepiece"),
    Kind("mbart nllb nllbmoe", _ROBERTA, False, "sentencepiece"),
    Kind("mbart50", {k: v for k, v in _ROBERTA.items() if k != "bos"}, False, "sentencepiece"),
    Kind("seamlessm4t seamlessm4tv2 xglm", dict(_ANGLES, sep="</s>", cls="<s>"), False, "sentencepiece"),
    Kind("bart blenderbot bridgetower clap data2vectext ibert led longformer", _ROBERTA, False, "byte_bpe"),
    Kind("mega mra mvp roberta robertaprelayernorm", _ROBERTA, False, "byte_bpe"),
    Kind("markuplm", _ROBERTA, True, "byte_bpe", more=dict(_PATHS, only_label_first_subword=True)),
    Kind("layoutlmv3", _ROBERTA, False, "byte_bpe", more=dict(_BOXES, sep_token_box=[0] * 4, add_prefix_space=True)),
    Kind("layoutxlm", _ROBERTA, False, "sentencepiece", more=_BOXES),
    Kind("udop", dict(_T5, sep="</s>"), False, "sentencepiece", more=_SEP_BOX),
    Kind("luke mluke", _ROBERTA, False, "luke"),
    Kind("bertjapanese", _BRACKETS, True, "japanese"),
    Kind("gptneoxjapanese", dict(_ENDS, bos="<|startoftext|>", pad=_END), False, "japanese_subwords"),
    Kind("gptsanjapanese", _GPTSAN, True, "japanese_subwords"),
    Kind("tapex", _ROBERTA, False, "tapex", more=dict(do_lower_case=True, max_cell_length=15)),
    Kind("cpm", _XLNET, True, "cpm", pad_type=3),
    Kind("cpmant", _ANGLES, False, "cpm", side="left", more=_ANTS),
    Kind("mistralcommon", _ANGLES, False, "tekken", side="left"),
    Kind("pop2piano", dict(bos="2", eos="1", unk="-1", pad="0"), False, "notes", more=_NOTES),
    Kind("mpnet", dict(_ROBERTA, unk="[UNK]"), False, "wordpiece", cleans=True),
    Kind("codegen gpt2 gptbigcode gptj gptneo opt phi starcoder2", _ENDS, False, "byte_bpe"),
    Kind("whisper", _ENDS, False, "byte_bpe"),
    Kind("gptneox", _ENDS),
    Kind("cohere", _COHERE, side="left"),
    Kind("parakeet parakeetctc", {}, True),
    Kind("qwen2 qwen2audio qwen2moe qwen2vl qwen25vl qwen3 qwen3moe", _QWEN, False, "byte_bpe"),
    Kind("qwen3next qwen3vl qwen3vlmoe", _QWEN, False, "byte_bpe"),
    Kind("aimv2 clip clipseg groupvit omdetturbo oneformer owlv2 owlvit xclip", _CLIP, False, "byte_bpe"),
    Kind("longt5 mt5 switchtransformers t5 umt5", _T5, False, "sentencepiece"),
    Kind("bigbirdpegasus pegasus pegasusx", _PEGASUS, False, "sentencepiece"),
    Kind("marian", dict(eos="</s>", unk="<unk>", pad="<pad>"), False, "sentencepiece_slow", longest=512),
    Kind("m2m100", dict(_ANGLES, sep="</s>"), False, "sentencepiece_slow"),
    Kind("siglip", dict(eos="</s>", unk="<unk>", pad="</s>"), False, "siglip", longest=64),
    Kind("speech2text speecht5 speechtotext", _ANGLES, False, "sentencepiece_slow"),
    Kind("bertgeneration", dict(_ANGLES, sep="<::::>"), False, "sentencepiece_slow"),
    Kind("plbart", _ROBERTA, False, "sentencepiece_slow", cleans=True),
    Kind("gptsw3", dict(_ANGLES, eos=_END), False, "sentencepiece_slow"),
    Kind("xlmprophetnet", dict(_BRACKETS, bos="[SEP]", eos="[SEP]"), False, "sentencepiece_slow"),
    Kind("bartpho", _ROBERTA, False, "listed_pieces"),
    Kind("erniem", _BRACKETS, False, "listed_pieces", masks=False),
    Kind("prophetnet", dict(unk="[UNK]", sep="[SEP]", pad="[PAD]", mask="[MASK]"), False, "prophetnet", cleans=True),
    Kind("transfoxl", dict(eos="<eos>", unk="<unk>"), False, "transfo_xl", masks=False),
    Kind("reformer", dict(eos="</s>", unk="<unk>"), False, "sentencepiece"),
    Kind("bloom", _ANGLES),
    Kind("nougat", _ANGLES),
    Kind("pretrained", {}, True, "tiktoken"),
    Kind("openaigpt", dict(unk="<unk>"), False, "word_bpe"),
    Kind("ctrl", dict(unk="<unk>"), True, "word_bpe"),
    Kind("bertweet phobert", _ROBERTA, True, "word_bpe"),
    Kind("herbert", dict(_XLM, cls="<s>", mask="<mask>"), True, "word_bpe"),
    Kind("flaubert xlm", _XLM, True, "word_bpe"),
    Kind("biogpt", dict(_ANGLES, sep="</s>"), False, "word_bpe"),
    Kind("fsmt", dict(bos="<s>", unk="<unk>", sep="</s>", pad="<pad>"), False, "word_bpe"),
    Kind("blenderbotsmall", _BLENDERBOT, False, "word_bpe"),
    Kind("speech2text2 speechtotext2", _ANGLES, False, "word_bpe"),
    Kind("dia", dict(unk="<pad>", pad="<pad>"), False, "characters"),
    Kind("myt5", dict(eos="</s>", unk="<unk>", pad="<pad>"), False, "my_t5"),
    Kind("byt5", dict(eos="</s>", unk="<unk>", pad="<pad>"), False, "characters"),
    Kind("perceiver", _PERCEIVER, False, "characters", longest=2048),
    Kind("canine", _CANINE, True, "characters", longest=2048),
    Kind("esm", dict(eos="<eos>", unk="<unk>", pad="<pad>", cls="<cls>", mask="<mask>"), False, "characters"),
    Kind("mgpstr", dict(bos="[GO]", eos="[s]", unk="[GO]", pad="[GO]"), True, "characters"),
    Kind(_SPEECH, _ANGLES, False, "speech"),
    Kind("wav2vec2phoneme wav2vec2phonemectc", _ANGLES, False, "phonemes"),
    Kind("clvp", dict(bos=_END, eos="[STOP]", unk="[UNK]", pad="[STOP]"), False, "clvp"),
    Kind("vits", dict(unk="<unk>", pad="<pad>"), False, "speech"),
    Kind("codellama", _LLAMA, False, "sentencepiece", side="left"),
    Kind("llama mistral mixtral", _LLAMA, False, "sentencepiece", side="left"),
    Kind("gemma gemma2 gemma3 siglip2", _GEMMA, False, "sentencepiece", side="left"),
)


# What some classes' calls do unless they are told otherwise.
_SEAMLESS = {"padding": True, "pad_to_multiple_of": 2}
CALLS: dict[str, dict[str, Any]] = {"seamlessm4t": _SEAMLESS, "seamlessm4tv2": _SEAMLESS}


# Classes with a call of their own, by module.
CLASSES = {
    **dict.fromkeys(_SWITCHED.split(), "ends.Ended"),
    **dict.fromkeys(_SPEECH.split(), "ctc.CTCTokenizer"),
    "codellama": "code_llama.CodeLlamaTokenizer",
    "cohere": "cohere.CohereTokenizer",
    "cpm": "cpm.CpmTokenizer",
    "cpmant": "cpm.CpmAntTokenizer",
    "dprreader": "dpr.DPRReaderTokenizer",
    "gptsanjapanese": "gptsan.GPTSanJapaneseTokenizer",
    "erniem": "ernie_m.ErnieMTokenizer",
    "layoutlmv2": "layout.LayoutTokenizer",
    "layoutlmv3": "layout.LayoutTokenizer",
    "layoutxlm": "layout.LayoutTokenizer",
    "luke": "luke.LukeTokenizer",
    "markuplm": "markuplm.MarkupLMTokenizer",
    "mluke": "luke.LukeTokenizer",
    "myt5": "my_t5.MyT5Tokenizer",
    "nougat": "nougat.NougatTokenizer",
    "mistralcommon": "mistral_common.MistralCommonTokenizer",
    **dict.fromkeys(("parakeet", "parakeetctc"), "parakeet.ParakeetTokenizer"),
    "pop2piano": "pop2piano.Pop2PianoTokenizer",
    "rocbert": "roc_bert.RoCBertTokenizer",
    "roformer": "roformer.RoFormerTokenizer",
    "siglip": "siglip.SiglipTokenizer",
    "tapas": "tapas.TapasTokenizer",
    "tapex": "tapex.TapexTokenizer",
    "udop": "layout.UdopTokenizer",
    **dict.fromkeys(("wav2vec2phoneme", "wav2vec2phonemectc"), "phonemes.PhonemeCTCTokenizer"),
    "clvp": "clvp.ClvpTokenizer",
    "whisper": "whisper_tokenizer.WhisperTokenizer",
}


# As files name them, the classes that do more than tokenizer.json says, or are saved as files of their own.
NAMES = """
    BartphoTokenizer BertGenerationTokenizer BertJapaneseTokenizer BertweetTokenizer BioGptTokenizer
    BlenderbotSmallTokenizer ByT5Tokenizer CTRLTokenizer CanineTokenizer ClvpTokenizer CodeLlamaTokenizerFast
    CohereTokenizerFast CpmAntTokenizer CpmTokenizer DPRReaderTokenizerFast DiaTokenizer ErnieMTokenizer
    EsmTokenizer FSMTTokenizer FlaubertTokenizer GPTNeoXJapaneseTokenizer GPTNeoXTokenizerFast
    GPTSanJapaneseTokenizer GPTSw3Tokenizer GemmaTokenizerFast LayoutLMv2TokenizerFast LayoutLMv3TokenizerFast
    LayoutXLMTokenizerFast LlamaTokenizerFast LukeTokenizer M2M100Tokenizer MLukeTokenizer MarianTokenizer
    MarkupLMTokenizerFast MgpstrTokenizer MistralCommonTokenizer MyT5Tokenizer NougatTokenizerFast PLBartTokenizer
    ParakeetTokenizerFast PerceiverTokenizer PhobertTokenizer Pop2PianoTokenizer ProphetNetTokenizer
    RoCBertTokenizer RoFormerTokenizerFast SiglipTokenizer Speech2Text2Tokenizer Speech2TextTokenizer
    SpeechT5Tokenizer TapasTokenizer TapexTokenizer TransfoXLTokenizer UdopTokenizerFast VitsTokenizer
    Wav2Vec2CTCTokenizer Wav2Vec2PhonemeCTCTokenizer WhisperTokenizerFast XLMProphetNetTokenizer XLMTokenizer
"""
