"""The languages of translation models: their codes, and the tokens that a text in each is surrounded by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tokenizers
from tokenizers import processors

from jaxformers.errors import InputError, nearest
from jaxformers.tokenization.formats.python_backend import PythonBackend
from jaxformers.tokenization.formats.sentencepiece_scheme import Long, Marian
from jaxformers.tokenization.formats.specials import text

_MBART = """
    ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT lv_LV my_MM ne_NP nl_XX
    ro_RO ru_RU si_LK tr_TR vi_VN zh_CN
"""
_MBART50 = """
    af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL ps_AF pt_XX sv_SE sw_KE ta_IN
    te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI
"""
_NLLB = """
    ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn amh_Ethi apc_Arab arb_Arab ars_Arab
    ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn bak_Cyrl bam_Latn ban_Latn bel_Cyrl
    bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl cat_Latn ceb_Latn ces_Latn
    cjk_Latn ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek eng_Latn epo_Latn
    est_Latn eus_Latn ewe_Latn fao_Latn pes_Arab fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn gla_Latn
    gle_Latn glg_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn hun_Latn hye_Armn
    ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kab_Latn kac_Latn kam_Latn kan_Knda kas_Arab
    kas_Deva kat_Geor knc_Arab knc_Latn kaz_Cyrl kbp_Latn kea_Latn khm_Khmr kik_Latn kin_Latn kir_Cyrl kmb_Latn
    kon_Latn kor_Hang kmr_Latn lao_Laoo lvs_Latn lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn ltg_Latn ltz_Latn
    lua_Latn lug_Latn luo_Latn lus_Latn mag_Deva mai_Deva mal_Mlym mar_Deva min_Latn mkd_Cyrl plt_Latn mlt_Latn
    mni_Beng khk_Cyrl mos_Latn mri_Latn zsm_Latn mya_Mymr nld_Latn nno_Latn nob_Latn npi_Deva nso_Latn nus_Latn
    nya_Latn oci_Latn gaz_Latn ory_Orya pag_Latn pan_Guru pap_Latn pol_Latn por_Latn prs_Arab pbt_Arab quy_Latn
    ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Beng scn_Latn shn_Mymr sin_Sinh slk_Latn slv_Latn smo_Latn
    sna_Latn snd_Arab som_Latn sot_Latn spa_Latn als_Latn srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swh_Latn
    szl_Latn tam_Taml tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi taq_Latn taq_Tfng tpi_Latn tsn_Latn
    tso_Latn tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn urd_Arab uzn_Latn vec_Latn
    vie_Latn war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn yue_Hant zho_Hans zho_Hant zul_Latn
"""
_M2M100 = """
    af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi hr ht hu hy
    id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or pa pl ps pt ro ru sd
    si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu
"""
CODES = {
    "mbart": tuple(_MBART.split()),
    "mbart50": tuple((_MBART + _MBART50).split()),
    "nllb": tuple(_NLLB.split()),
}
M2M100 = {"m2m100": tuple(_M2M100.split()), "wmt21": ("en", "ha", "is", "ja", "cs", "ru", "zh", "de")}
_CODE = ("__java__", "__python__", "__en_XX__")
PLBART = {"base": _CODE, "multi": (*_CODE, "__javascript__", "__php__", "__ruby__", "__go__")}
USUAL = {  # the language of a text where nothing else is said
    "mbart": "en_XX",
    "mbart50": "en_XX",
    "nllb": "eng_Latn",
    "seamlessm4t": "eng",
    "m2m100": "en",
}
Parts = tuple[tuple[int | str, int | None], ...]
WRAPPED = ("seamlessm4t", "m2m100", "plbart")  # a language's token has lines around its code


def token(stem: str, language: str) -> str:
    """The text of a language's token."""
    return f"__{language}__" if stem in WRAPPED and not language.startswith("__") else language


def around(
    stem: str, language: str | None, settings: Mapping[str, Any], target: bool = False
) -> tuple[list[str], list[str]]:
    """The tokens in front of a text and behind it.

    Args:
      stem: the tokenizer class, as `kinds.stem` gives it.
      language: code of the text's language; PLBART's may be None.
      settings: as in tokenizer_config.json; of these `eos_token` and `legacy_behaviour` count.
      target: is the text a translation, what the decoder writes?
    """
    end = text(settings.get("eos_token")) or "</s>"
    name = [] if language is None else [token(stem, language)]
    if stem in ("mbart", "plbart") or (stem == "nllb" and settings.get("legacy_behaviour")):
        return [], [end, *name]
    return [end, *name] if stem == "seamlessm4t" and target else name, [end]


def switch(
    backend: tokenizers.Tokenizer | PythonBackend,
    stem: str,
    language: str | None,
    settings: Mapping[str, Any],
    target: bool = False,
) -> None:
    """Makes `backend` surround texts, and pairs of texts, with the tokens of a language; arguments as of `around`.

    Marian has no such tokens: there `target` says which of its two models cuts text.

    Raises:
      InputError: the vocabulary holds no such language.
    """
    if isinstance(backend, PythonBackend) and isinstance(backend.scheme, Marian):
        backend.scheme.is_target = target
        return
    if language is not None or stem != "plbart":
        held = {t.content for t in backend.get_added_tokens_decoder().values() if t.special}
        held |= {t for t in backend.get_vocab() if t.startswith("__")} if stem == "m2m100" else set()
        if not isinstance(language, str) or token(stem, language) not in held:
            near = ", ".join(nearest(str(language), [t for t in held if "_" in t], 3)) or "none"
            problem = f"{'tgt' if target else 'src'}_lang must be a language of the vocabulary, got {language!r}"
            raise InputError("tokenizer", [problem], f"nearest: {near}")
    before, behind = around(stem, language, settings, target)
    if isinstance(backend, PythonBackend):
        vocab = backend.get_vocab()
        backend.template = _template(stem, [vocab[t] for t in before], [vocab[t] for t in behind])
        return
    backend.post_processor = processors.TemplateProcessing(
        single=[*before, "$A", *behind],
        pair=[*before, "$A", "$B", *behind],
        special_tokens=[(t, backend.token_to_id(t)) for t in {*before, *behind}],
    )


def _template(stem: str, before: list[int], behind: list[int]) -> Long:
    """M2M100's second text is of type 1, with its end; PLBART gives types to three or four tokens around texts."""
    last = 0 if stem == "plbart" else 1
    single: Parts = (*((i, 0) for i in before), ("A", 0), *((i, 0) for i in behind))
    pair: Parts = (*((i, 0) for i in before), ("A", 0), ("B", last), *((i, last) for i in behind))
    missing = 3 - len(behind) if stem == "plbart" else -1
    return Long(single, pair, more=(([], [0] * missing), ([], [0] * (missing + 1))))


def start(backend: tokenizers.Tokenizer | PythonBackend, stem: str, settings: Mapping[str, Any]) -> None:
    """The surroundings that a tokenizer begins with: those of `src_lang`."""
    switch(backend, stem, settings.get("src_lang") or USUAL[stem], settings)
