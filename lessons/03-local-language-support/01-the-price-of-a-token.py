# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: The price of a token
#     chapter: 3
#     device: phone-2gb
#     teach_minutes: 50
#     exercise_minutes: 10
#     objectives:
#       - Learn ten merges by hand and cut words with them, as every large tokenizer does
#       - Measure how many tokens the same text takes in seven languages, with real tokenizers
#       - Turn that number into money, waiting time and room for the farmer's question
#       - Train a vocabulary that treats seven languages alike, and say what it costs English
# ---

# %% [markdown] spine="insight"
# # The price of a token
#
# **Key insight:** a model reads tokens, and its tokens were learned from somebody's text. A language that was rare in
# that text pays more for the same sentence: in money, in waiting, and in how much of the question fits.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and naive 7 minutes, ten merges by hand 15, measuring 12, cost 8, fair vocabulary 8.
#
# **Board sketch.** Write *shambani* with gaps between the letters and let the room merge, one pair at a time, keeping
# the counts on the side. Then write one Amharic word and ask how many bytes it is before anybody has merged anything.
#
# **Common mistakes.** Counting tokens per *word* across languages: a Zulu word does the work of several English ones,
# so only tokens for the same content compare. Believing that a tokenizer "does not support" a language: byte-level
# ones write everything, at a price. And cutting the price by stripping accents: the next notebook shows what that
# costs.

# %% [markdown] spine="situation"
# ## The situation
#
# Zawadi answers farmers' questions for a cooperative in Morogoro. Her questions come in Swahili; her colleagues in
# Ibadan and Gondar get theirs in Yoruba and Amharic. When there is a link, a large model drafts the answer and is paid
# by the token; when there is none, a small model on the phone does it, and its window is small. All three are
# invented. This is the text we measure with:

# %%
from offlinefirst.language.parallel import LANGUAGES, parallel

text = parallel()
print(text.about)
for code, (name, _) in LANGUAGES.items():
    print(f"{name:<12} {text.segments[code][3][:70]!r}")

# %% [markdown]
# The stored notebook uses the Universal Declaration of Human Rights, fetched from the course's catalogue: the same
# thirty articles in each language. Without it, lists of names from the CLDR stand in, which come with the course's
# packages, and the first line above says so; the sentences below speak of the stored figures. Legal prose of 1948 is
# not a farmer's question; what we need is the *same content* seven times.

# %% [markdown] spine="naive"
# ## A word is a word
#
# Zawadi's budget was made in a spreadsheet: so many questions, so many words each, about one token for a word.

# %%
from offlinefirst.language.normalise import words

for code, (name, _) in LANGUAGES.items():
    print(f"{name:<12} {len(words(text.text(code))):>5} words")

# %% [markdown]
# No language has much more than English has, Yoruba apart. Zulu and Amharic even need fewer words. So the guide that
# fills two thirds of the small model's window in English should fit in any of them.

# %% [markdown] spine="fails"
# ## It fails
#
# Here are the real tables of four tokenizers: three of OpenAI's, oldest first, and Gemma's. A tokenizer *is* its table
# (and a rule that cuts text into pieces first), so they run without a network and without the models. The small model
# on the phone uses the last one.

# %%
from offlinefirst.datasets.places import MissingDataError
from offlinefirst.language import bpe, tokens

tokenizers = [tokens.utf8()]
for name in tokens.NAMES:
    try:
        tokenizers.append(tokens.load(name))
    except MissingDataError as missing:
        print(missing)
if len(tokenizers) == 1:
    print("Until then: bytes, and a vocabulary that we train on English ourselves.")
    learned = bpe.train([text.text("en")], merges=300)
    tokenizers.append(tokens.byte_level("English only", learned.ranks, bpe.PIECES))
print([f"{each.name}: {each.size:,}" for each in tokenizers])

# %%
hers = tokenizers[-1]
window = round(1.5 * hers.count(text.text("en")))


def read(guide):
    if (needed := hers.count(guide)) > window:
        raise ValueError(f"{needed} tokens do not fit into a window of {window}")
    return f"{needed} of {window} tokens"


read(text.text("en"))

# %% tags=["fails-on-purpose"]
read(text.text("am"))

# %% [markdown]
# The same thirty articles, in fewer words, do not fit. To see why, we make a tokenizer by hand.

# %% [markdown] spine="fix"
# ## Ten merges by hand
#
# Byte-pair encoding learns from counts alone. Begin with letters. Find the pair of neighbours that occurs most often,
# make one symbol of it, and start again. These are words from a week of questions, with how often each came (the
# counts are invented; the words mean field, in the field, water, leaves, maize and seed):

# %% tags=["nbval-check-output"]
asked = {"shamba": 6, "shambani": 4, "maji": 5, "majani": 3, "mahindi": 3, "mbegu": 3}
cut = {word: list(word) for word in asked}
cut["shambani"]

# %% tags=["nbval-check-output"]
from collections import Counter
from itertools import pairwise


def count_pairs():
    counts = Counter()
    for word, symbols in cut.items():
        for pair in pairwise(symbols):
            counts[pair] += asked[word]
    return counts


count_pairs().most_common(4)

# %% [markdown]
# *m* and *b* stand together in three of the words. Merging means: wherever the pair stands, one symbol takes its place.


# %% tags=["nbval-check-output"]
def merge(symbols, pair):
    position = 0
    while position < len(symbols) - 1:
        if (symbols[position], symbols[position + 1]) == pair:
            symbols[position : position + 2] = ["".join(pair)]
        position += 1


merges = []
for number in range(1, 11):
    counts = count_pairs()
    best = min(counts, key=lambda pair: (-counts[pair], pair))  # of equals, the first in the alphabet
    merges.append(best)
    for symbols in cut.values():
        merge(symbols, best)
    print(
        f"{number:>2}  {'+'.join(best):<11} {counts[best]:>2} times   ",
        "  ".join(map("-".join, cut.values())),
    )

# %% [markdown]
# Nobody told it any grammar, and it found *shamba* and *-ni*, the ending that says "in". What is frequent became
# one token; *mbegu*, seed, came too seldom and stays in pieces.
#
# ![The word shambani, row by row: eight letters; m and b become one box, then amb, amba, hamba, shamba; n and i become ni; in the last row shambani is one box.](figures/merges.svg)
#
# To cut a new word, replay the merges in their order. *Majini*, "in the water", was in no question:


# %% tags=["nbval-check-output"]
def cut_by_hand(word):
    symbols = list(word)
    for pair in merges:
        merge(symbols, pair)
    return symbols


for word in ("majini", "shambani", "water", "field"):
    print(f"{word:<9} {cut_by_hand(word)}")

# %% [markdown]
# And there is the whole trouble, with Swahili for once on the winning side. This table serves whoever wrote the
# questions: *water* and *field* fall apart into letters.
#
# ### Below the letters
#
# Real tables do not begin with letters but with bytes, so that nothing is ever unknown. Then the alphabet itself has a
# price, before a single merge:

# %% tags=["nbval-check-output"]
for word, meaning in {"right": "English", "haki": "Swahili", "ẹ̀tọ́": "Yoruba", "መብት": "Amharic"}.items():
    print(f"{word:<6} {meaning:<8} {len(word)} code points, {len(word.encode())} bytes")

# %% [markdown]
# An Ethiopic letter is three bytes. A Yoruba vowel with a dot below and a tone is a letter *and* a mark, five
# bytes. Only merges win that back, and merges come from frequent text.
#
# ![One Yoruba word from top to bottom: as it is read; as five code points, two of them combining marks; as eleven bytes; as r50k's pattern cuts it before merging, in four, before and after each mark; as o200k's pattern leaves it, in one.](figures/one-word.svg)
#
# The second thing that no merge can mend is the *pattern* which cuts text into pieces first. Older ones say "a run of
# letters", and a combining mark is no letter for them. The drawing shows these first cuts, the output below the
# tokens that merging then makes within them. (A replacement sign is part of a letter.)

# %%
for each in tokenizers[1:]:
    print(f"{each.name:<13}", [piece.decode("utf-8", "replace") for piece in each.pieces(" ẹ̀tọ́ shambani")])

# %% [markdown]
# ### Is our encoder the real one?
#
# The encoder of the course is the page above on bytes, with ranks in place of the list of merges. tiktoken is a
# fast one in Rust that others wrote. Given the same table and the same pattern, do they give the same tokens? On
# a table that we train now, and on the largest byte table that is here:

# %%
ours = bpe.train([text.text(code) for code in LANGUAGES], merges=300)
tables = {"trained here": ours.ranks}
if any(each.name == "o200k" for each in tokenizers):
    from offlinefirst.datasets.places import locate

    tables["o200k"] = tokens.read_ranks(locate("tokenizer-o200k"))
for name, ranks in tables.items():
    rust = tokens.byte_level(name, ranks, bpe.PIECES)
    same = [rust.pieces(text.text(code)) == list(bpe.encode(text.text(code), ranks)) for code in LANGUAGES]
    print(f"{name}: the same tokens in {sum(same)} of {len(same)} languages")

# %% [markdown] spine="measure"
# ## Measure it: the same text, seven languages
#
# *Fertility* is tokens per word. Beside it stands what we are after, the tokens taken for each token that English takes
# for the same text. First the table of the small model:

# %%
print(f"{hers.name:<12} {'words':>6} {'tokens':>7} {'per word':>9} {'per English token':>18}")
for code, (name, _) in LANGUAGES.items():
    said = text.text(code)
    fertility, premium = tokens.tokens_per_word(hers, said), tokens.premium(hers, said, text.text("en"))
    print(f"{name:<12} {len(words(said)):>6} {hers.count(said):>7} {fertility:>9.2f} {premium:>18.2f}")

# %% [markdown]
# The two columns disagree about Zulu and Kinyarwanda. A Zulu word carries subject, object and tense, so it is long, and
# the text needs fewer of them. Per word Zulu looks dear; per content it is nearer to Swahili. Compare languages by
# content only.

# %%
premiums = {
    each.name: {code: tokens.premium(each, text.text(code), text.text("en")) for code in LANGUAGES}
    for each in tokenizers
}
print(f"{'':<12}", *(f"{name:>13}" for name in premiums))
for code, (name, _) in LANGUAGES.items():
    print(f"{name:<12}", *(f"{row[code]:>13.2f}" for row in premiums.values()))

# %% tags=["long"]
import matplotlib.pyplot as plt

COLOURS = ["#999999", "#E69F00", "#D55E00", "#0072B2", "#009E73"]
MARKERS = ["x", "^", "s", "o", "D"]


def draw_premiums():
    """Tokens for each English token, a row for each language and a mark for each tokenizer."""
    order = sorted(LANGUAGES, key=lambda code: max(row[code] for row in premiums.values()))
    figure, axis = plt.subplots(figsize=(8, 3.8), layout="constrained")
    axis.axvline(1, color="#bbbbbb", zorder=0)
    for (name, row), colour, marker in zip(premiums.items(), COLOURS, MARKERS, strict=False):
        values = [row[code] for code in order]
        axis.plot(values, range(len(order)), marker, color=colour, label=name, markersize=8, alpha=0.9)
    axis.set_yticks(range(len(order)), [LANGUAGES[code][0] for code in order])
    axis.set(xlabel="tokens for each token that English takes, same text", xlim=(0.5, None))
    axis.set_title("Who pays more for the same content")
    axis.legend(title="tokenizer", frameon=False, loc="lower right")
    axis.grid(axis="y", color="#eeeeee")
    axis.spines[["top", "right", "left"]].set_visible(False)
    plt.close(figure)
    return figure


draw_premiums()

# %% [markdown]
# As bare bytes Swahili, Hausa, Kinyarwanda and Zulu cost about what English costs. Each real table makes English
# cheaper than all the others: that is what its merges are for. How far did merges get with Amharic?

# %%
for each in tokenizers:
    per_byte = {code: each.count(text.text(code)) / len(text.text(code).encode()) for code in ("en", "am")}
    print(f"{each.name:<13} tokens for each byte: English {per_byte['en']:.2f}, Amharic {per_byte['am']:.2f}")

# %% [markdown]
# Near 1.0 a table has no merges to offer: nearly every byte is a token. Of the real ones the two largest are the
# fairest, each to other languages, and none is fair.
#
# One sign more: the Declaration's Amharic separates words with the Ethiopic word space ፡ and not with a space. The
# course's reader has normalised it. What would it have cost as it stood in the file?

# %%
amharic = text.text("am")
for each in tokenizers:
    spaces, word_spaces = each.count(amharic), each.count(amharic.replace(" ", "፡"))
    print(f"{each.name:<13} {spaces:>6} tokens with spaces, {word_spaces:>6} with word spaces")

# %% [markdown]
# Every table wants more for the old sign.

# %% [markdown]
# ### What it costs
#
# A question with instructions, and its answer, are so many tokens *in English*; the other languages take their premium
# of that. The prices per million tokens, the speed of the phone and the window are **yours to fill in**: they differ
# between vendors and models and change every few months. The ones below are round numbers, not anybody's price list.


# %%
def cost(code, table, usd_in, usd_out, phone_tokens_per_s=5, window=2048, english_in=300, english_out=150):
    """For one question: (USD for 1,000 questions, seconds of answering on the phone, share of the window)."""
    factor = premiums[table][code]
    usd = tokens.cost_usd(
        tokens_in=factor * english_in,
        tokens_out=factor * english_out,
        usd_per_million_in=usd_in,
        usd_per_million_out=usd_out,
    )
    return 1000 * usd, factor * english_out / phone_tokens_per_s, factor * (english_in + english_out) / window


print(f"{'':<12} {'USD for 1,000':>14} {'seconds on phone':>17} {'of the window':>14}")
for code, (name, _) in LANGUAGES.items():
    usd, seconds, share = cost(code, hers.name, usd_in=1.0, usd_out=4.0)
    print(f"{name:<12} {usd:>14.2f} {seconds:>17.0f} {share:>14.0%}")

# %% [markdown]
# The farmer in Gondar waits longer for the same advice, her cooperative pays more for it, and there is less room for
# her question. The model behind is the same. (It is also likely to be worse in her language, for the same reason: it
# saw little of it. Tokens do not measure that.)

# %%
wage = device.current().profile.wage_usd_per_hour
for code in ("en", "sw", "yo", "am"):
    usd = cost(code, hers.name, usd_in=1.0, usd_out=4.0)[0]
    print(
        f"{LANGUAGES[code][0]:<8} 1,000 questions: {usd / wage:>5.1f} hours at the median wage of this profile"
    )


# %% tags=["long"]
def explore(table, usd_in, usd_out, phone_tokens_per_s):
    rows = {
        name: cost(code, table, usd_in, usd_out, phone_tokens_per_s) for code, (name, _) in LANGUAGES.items()
    }
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained", sharey=True)
    for axis, column, unit in zip(
        axes, (0, 1), ("USD for 1,000 questions", "seconds for an answer"), strict=True
    ):
        values = [row[column] for row in rows.values()]
        bars = axis.barh(list(rows), values, color=["#999999"] + ["#0072B2"] * (len(rows) - 1))
        axis.bar_label(bars, fmt="%.1f", padding=3)
        axis.set(xlabel=unit, xlim=(0, 1.15 * max(values)))
        axis.invert_yaxis() if column == 0 else None
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"The same question and answer, tokenizer {table}; prices and speed as set")
    plt.close(figure)
    return figure


# %%
from ipywidgets import Dropdown, FloatSlider

from offlinefirst.course.play import play

play(
    explore,
    table=Dropdown(options=list(premiums), value=hers.name, description="tokenizer"),
    usd_in=FloatSlider(1, min=0, max=20, step=0.25, description="USD/M in"),
    usd_out=FloatSlider(4, min=0, max=80, step=0.5, description="USD/M out"),
    phone_tokens_per_s=FloatSlider(5, min=1, max=40, step=1, description="tokens/s"),
)

# %% [markdown]
# ### A fair vocabulary
#
# Is it the languages, or the table? We train two vocabularies of the same size, one on English and one on the same
# articles in all seven languages, and measure both on articles that neither has seen. The fair one has read seven
# times as much text, so there is a third: fair, on a sample no larger than the English text.

# %%
import random

count = len(text.segments["en"])
held_out = [number for number in range(count) if number % 3 == 2]
seen = [number for number in range(count) if number % 3 != 2]
english = [text.segments["en"][number] for number in seen]
everybody = [text.segments[code][number] for code in LANGUAGES for number in seen]
print(f"{len(seen)} pieces of text to learn from, {len(held_out)} to measure on")

# %%
letters = sum(map(len, english))
rng = random.Random(3)
sample = []
for code in LANGUAGES:
    pieces = [word for number in seen for word in text.segments[code][number].split(" ")]
    start = rng.randrange(len(pieces) // 2)
    taken = " ".join(pieces[start:])[
        : letters // len(LANGUAGES)
    ]  # a stretch of running text, as many letters each
    sample.append(taken)
print(f"English {letters:,} letters, sample of all seven {sum(map(len, sample)):,} letters")

# %%
english_table = bpe.train(english, merges=300)
size = len(english_table.merges)  # on a short text pairs run out before 300
fair_table = bpe.train(everybody, merges=size)
sampled_table = bpe.train(sample, merges=size)
trained = {"English only": english_table, "fair": fair_table, "fair, small sample": sampled_table}
print({name: len(table) for name, table in trained.items()})

# %%
needed = {
    name: {
        code: sum(len(table.encode(text.segments[code][number])) for number in held_out) for code in LANGUAGES
    }
    for name, table in trained.items()
}
print("tokens (for each token of English)")
print(f"{'':<12}", *(f"{name:>18}" for name in needed))
for code, (name, _) in LANGUAGES.items():
    print(f"{name:<12}", *(f"{row[code]:>11} ({row[code] / row['en']:>4.2f})" for row in needed.values()))
print(f"{'together':<12}", *(f"{sum(row.values()):>11}       " for row in needed.values()))


# %% tags=["long"]
def draw_fair():
    """English-only against fair vocabulary: tokens for the held-out text, by language."""
    figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
    order = sorted(LANGUAGES, key=lambda code: needed["English only"][code])
    for row, code in enumerate(order):
        before, after = needed["English only"][code], needed["fair"][code]
        axis.plot([before, after], [row, row], "-", color="#bbbbbb", zorder=0)
        axis.plot(before, row, "s", color="#D55E00", markersize=8)
        axis.plot(after, row, "o", color="#0072B2", markersize=8)
    last = len(order) - 1
    axis.text(needed["English only"][order[-1]], last - 0.45, "English only", color="#B04A00", ha="right")
    axis.text(needed["fair"][order[-1]], last - 0.45, "fair", color="#0072B2", ha="center")
    axis.set_yticks(range(len(order)), [LANGUAGES[code][0] for code in order])
    axis.set(xlabel="tokens for the same held-out text", xlim=(0, None))
    change = {code: needed["fair"][code] - needed["English only"][code] for code in LANGUAGES}
    others = sum(change.values()) - change["en"]
    axis.set_title(
        f"Two vocabularies of {len(fair_table)} tokens: English {change['en']:+,}, the others together {others:+,}"
    )
    axis.spines[["top", "right", "left"]].set_visible(False)
    plt.close(figure)
    return figure


draw_fair()

# %%
rise = needed["fair"]["en"] / needed["English only"]["en"] - 1
falls = {code: 1 - needed["fair"][code] / needed["English only"][code] for code in LANGUAGES if code != "en"}
print(f"English: {rise:+.0%} tokens")
print(", ".join(f"{LANGUAGES[code][0]} {-fall:+.0%}" for code, fall in falls.items()))

# %% [markdown]
# It is the table. With text in equal measure Amharic and Yoruba come close to English, and it is not
# a matter of more text, as the last column shows. English pays for it: sharing so small a vocabulary is not free. In a
# larger vocabulary a next merge is worth less, so sharing should hurt less. But a large one is not free either, because
# every row of the table is a row of the model too:

# %% tags=["nbval-check-output"]
for size_of_table in (556, 8_000, 32_000, 256_000):
    embedding = (
        size_of_table * 512 * 1
    )  # 512 numbers of one byte for each token, as in a small quantised model
    print(f"{size_of_table:>8,} tokens: {embedding / 2**20:>6.1f} MiB of embeddings")

# %% [markdown]
# On a phone the way out is a smaller vocabulary *for the languages that are spoken there*.

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.language.bpe` is the page on bytes. It counts different words once, looks again only at words that
# held the merged pair, and keeps the counts in a heap. What does that buy against counting everything anew? Both get
# the same articles, cut into the same pieces of bytes, and learn equally many merges.

# %%
import time


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# %%
import re

asked = Counter(piece for article in everybody for piece in re.findall(bpe.PIECES, article))
cut = {piece: list(piece.encode().decode("latin-1")) for piece in asked}  # a sign for each byte
by_hand = []


def learn_by_hand():
    for _ in range(size):
        counts = count_pairs()
        by_hand.append(min(counts, key=lambda pair: (-counts[pair], pair)))
        for symbols in cut.values():
            merge(symbols, by_hand[-1])


slow_s, fast_s = timed(learn_by_hand), timed(lambda: bpe.train(everybody, merges=size))
same = [tuple(half.encode("latin-1") for half in pair) for pair in by_hand] == list(fair_table.merges)
print(f"{size} merges: {slow_s:.1f} s by hand, {fast_s:.2f} s with counts kept: {slow_s / fast_s:.0f} times")
print(f"the same merges in the same order: {same}")

# %% [markdown]
# It refuses what cannot work, and a table with a hole in it, before a text is lost:

# %% tags=["nbval-check-output"]
for attempt in (
    lambda: bpe.train(["", ""], merges=10),
    lambda: tokens.byte_level("broken", {b"a": 0}, bpe.PIECES),
    lambda: tokens.load("gpt-5"),
):
    try:
        attempt()
    except Exception as error:
        print(f"{type(error).__name__}: {error}")

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **One text.** The Declaration is formal and translated, and every large model and table has probably seen it.
#   Translations also differ in length for reasons that no tokenizer knows. A farmer's question may be cheaper or
#   dearer.
# - **Fewer tokens is not better answers.** We counted; we did not ask what a model makes of the tokens.
# - **The fair vocabulary is a toy.** A few hundred merges, learned and measured on one document. It shows the
#   direction; its figures are not those of a large table.
# - **Prices are yours.** Vendors also price cached, batched and spoken input differently.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("03-local-language-support/01-the-price-of-a-token")

# %% [markdown] spine="next"
# ## Next
#
# [Knowing the language](02-knowing-the-language.ipynb): which language is this, when should the app say that it
# does not know, and which signs may be changed without changing the words.
