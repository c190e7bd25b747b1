"""Texts that tokenizers stumble over: many scripts, joiners, control characters, odd spaces, special tokens inside."""

import random

PLAIN = [
    "Hello world!",
    "The quick brown fox jumps over the lazy dog.",
    "A cheetah runs.",
    "In a hole in the ground there lived a hobbit.",
    "I can't, won't and shouldn't've; they're John's dogs' bones.",
    "don't 'quote' \"me\" ‘on’ “this” «please» „danke‟",
    "UPPER lower MiXeD CamelCase snake_case kebab-case",
    "1234567890 3.14159 1,000,000 -17 +5 1e-10 0x1F ½ ² ³ Ⅷ ٣٤٥ 一二三",
    "e-mail: someone@example.com, https://example.com/path?q=1&r=2#frag",
    "C:\\Users\\name\\file.txt /usr/local/bin ~/.config",
    "f(x) = x**2 + 3*x - 1; a[i] += b->c::d<T>&& !e || f ? g : h;",
    "def f(x):\n    return x + 1\n\nclass A:\n\tpass\n",
    '{"key": [1, 2.5, null, true], "nested": {"a": "b"}}',
    "<html><body class='x'>&amp; &lt;tag&gt;</body></html>",
    "$100 €50 £20 ¥1000 ₹5 ₿1 100% #hashtag @user *bold* _it_ `code`",
    "a.b.c... wait?! no!!! -- really – yes — maybe … etc.",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "low lower lowest newer newest wide wider widest",
]
SCRIPTS = [
    "naïve café résumé Ünïcode façade piñata Ærøskøbing Łódź İstanbul ıI ſ ß ẞ ŉ",
    "Größenmaßstäbe über Österreich; Dürüm için çok teşekkürler",
    "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "Zażółć gęślą jaźń; Đặng Thị Ngọc Thịnh; Tiếng Việt rất hay",
    "Привет, мир! Съешь ещё этих мягких французских булок. Ґанок Ђорђе",
    "Γειά σου Κόσμε! ΟΔΥΣΣΕΥΣ Ὀδυσσεύς ᾳ ῷ",
    "שלום עולם! שָׁלוֹם עֲלֵיכֶם",
    "مرحبا بالعالم! السَّلامُ عَلَيْكُمْ ٱلْحَمْدُ لِلَّٰهِ ـــ لا",
    "سلام دنیا می‌خواهم نیم‌فاصله",
    "नमस्ते दुनिया! क्षत्रिय ज्ञान हिन्दी",
    "বাংলা ভাষা শ্রীমতী তামিল",
    "தமிழ் மொழி வணக்கம்",
    "తెలుగు ಕನ್ನಡ മലയാളം ગુજરાતી ਪੰਜਾਬੀ සිංහල",
    "สวัสดีชาวโลก ภาษาไทยไม่มีช่องว่าง",
    "ພາສາລາວ မြန်မာဘာသာ ភាសាខ្មែរ",
    "བོད་སྐད། ᠮᠣᠩᠭᠣᠯ",
    "你好，世界！今天天气很好。我们去公园吧？",
    "繁體中文與简体中文混合「引號」『雙』《書名》、頓號。",
    "こんにちは世界！カタカナとひらがなと漢字。ｶﾀｶﾅ がぎぐげご は゛",
    "안녕하세요 세계! 한국어 조사는 어렵다. 각 갂 ㄱㄴ",
    "ＦＵＬＬ　ＷＩＤＴＨ　１２３ ｈａｌｆ　ﾊﾝｶｸ",
    "ქართული ენა ՀԱՅԵՐԵՆ լեզու አማርኛ ቋንቋ ᏣᎳᎩ ᐃᓄᒃᑎᑐᑦ",
    "日本語とEnglishを混ぜる text 和 中文 mixed",
    "𝕳𝖊𝖑𝖑𝖔 𝓦𝓸𝓻𝓵𝓭 𝟙𝟚𝟛 𐍈 𠀀𠮷 ﬁ ﬂ ﬀ Ⅻ ㍿ ℡ ™ © ® Å Ω",
]
ODD = [
    "",
    " ",
    "   ",
    "\t",
    "\n",
    "\r\n",
    "\n\n\n",
    " \t\n\r\x0b\x0c ",
    "\u00a0",
    "\u3000",
    "\u2003\u2009\u200a\u202f",
    " leading",
    "trailing ",
    "  two  spaces  inside  ",
    "tab\tseparated\tvalues",
    "unix\nwindows\r\nold mac\rseparators\u2028and\u2029there\x85nel",
    "vertical\x0btab form\x0cfeed",
    "null\x00inside bell\x07 escape\x1b[31mred\x1b[0m delete\x7f c1\x9f",
    "zero\u200bwidth\u200cnon\u200djoiner\u2060word\ufeffbom soft\u00adhyphen",
    "\ufeffstarts with a byte order mark",
    "right\u202eto left\u202c override \u200e\u200f marks",
    "replacement \ufffd private \ue000\U000f0000 unassigned \u0378\U000e0001 noncharacter \ufffe\uffff",
    "combining: e\u0301 o\u0308 n\u0303 a\u030a\u0301 Z\u0351\u036b\u0343 l\u0334\u0358\u034d g\u0331\u0346 o\u0353",
    "\u0301starts with a combining mark",
    "decomposed \u1112\u1161\u11ab\u1100\u1173\u11af against composed 한글",
    "😀 😃👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 ❤️ ❤ 1️⃣ ☺︎ 🧑🏿‍🚀🫠",
    "emoji😀inside🎉words and 🤷🏻‍♀️.",
    "☃ ♞ ♫ ∑ ∫ √ ≠ ≤ → ⇒ █ ░ ┌─┐ ⠓⠑⠇ ☭",
    "a" * 120,
    "b" * 300,
    "aaaa" * 30 + " bbbb",
    "日" * 150,
    "1" * 64,
    "." * 40,
    "- - - -- --- ---- -----",
    "!!!???...,,,;;;:::",
    "''' \"\"\" ``` ### *** ___ ~~~",
    "'s 't 're 've 'm 'll 'd 'S 'T 'RE",
    " 's  't it 's",
    "▁ ▁▁ a▁b ##ing ##x @@ a@@ b </w> a</w> Ġ Ċ Ä Â ï¼ģ",
    "ﷺ \u0bb9\u0bcd\u0bb0\u0bc0",
    "ǅ ǆ Ǆ ΐ ϒ ẛ̣",
]
SPECIAL = [
    "<s>", "</s>", "<pad>", "<unk>", "<mask>", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "<|endoftext|>",
    "<|im_start|>", "<|startoftext|>", "<extra_id_0>", "<bos>", "<eos>", "<cls>", "<sep>", "<0x41>", "en_XX",
]  # fmt: skip


def _strings() -> list[str]:
    rng = random.Random(0)
    base = [*PLAIN, *SCRIPTS, *ODD]
    out = list(base)
    for token in SPECIAL:
        out += [token, f"a {token} b", f"a{token}b", f" {token}  {token} ", token.upper(), token[:-1]]
    for text in [*PLAIN, *SCRIPTS]:
        out += [text.upper(), f"  {text}\n", text.replace(" ", ""), text[: len(text) // 2] + text[-3:]]
    words = [w for text in base for w in text.split()]
    while len(out) < 560:
        some = [rng.choice(words) for _ in range(rng.randint(1, 14))]
        out.append(rng.choice(["", " ", "\n", "\t"]).join([rng.choice([" ", " ", "  ", "", "\n"]).join(some), ""]))
    return list(dict.fromkeys(out))


STRINGS = _strings()
assert len(STRINGS) >= 500
PAIRS = [(STRINGS[i], STRINGS[-1 - i]) for i in range(60)]
