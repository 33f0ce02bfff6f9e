# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   offlinefirst:
#     title: Answers you can hear
#     chapter: 3
#     device: phone-2gb
#     teach_minutes: 50
#     exercise_minutes: 10
#     objectives:
#       - Speak an answer on the phone itself, in a language that has a voice, and find the words it says wrong
#       - Put recorded phrases together by the language's own grammar where there is no voice
#       - Choose an audio codec by bytes and by measured distortion
#       - Prove that every message of an app can be spoken for every value that it can hold
#     after: [03-local-language-support/02-knowing-the-language]
#     claims: [voice-feedback]
# ---

# %% [markdown] spine="insight"
# # Answers you can hear
#
# **Key insight:** a spoken answer is made of pieces that somebody must have: a voice, or recordings. Which pieces an app
# needs can be worked out before anybody stands in front of it, and must be.

# %%
from offlinefirst import device

device.current().badge()

# %% [markdown] tags=["instructor"]
# **Timing.** Situation and the wrong voice 8 minutes, the right voice and its mistake 7, phrases and agreement 15,
# codecs 8, the check 7, claim and limits 5. Bring headphones, or a loudspeaker and a quiet room.
#
# **Board sketch.** Three columns: *one sack*, *two sacks*, *eight sacks*. Ask speakers of any language in the room to
# fill them in, and underline what changes. In most rooms it is more than the number.
#
# **Common mistakes.** Thinking that a translation file is enough for speech; recording whole sentences for each number;
# testing 1, 2 and 3 and shipping; storing recordings as WAV because the telephone did.
#
# **If a Swahili speaker is present,** hand them the phrasebook and be quiet. They are the only real test in this room.

# %% [markdown] spine="situation"
# ## The situation
#
# Nekesa brings maize to the cooperative's store in Bungoma. The store's phone counts the sacks, weighs them and knows
# today's price. She speaks Swahili and does not read. Her neighbour Otieno brings beans; he speaks Dholuo. Both are
# invented. What they are owed is not: the count and the price, in words they understand, before the sacks are carried
# away.

# %% tags=["nbval-check-output"]
receipt = "Magunia mawili yamefika. Bei ni shilingi elfu mbili na mia tano."
print(receipt)

# %% [markdown]
# In English: two sacks have arrived; the price is 2,500 shillings. (In this notebook the shilling has no
# country. A price is an input.)

# %% [markdown] spine="naive"
# ## The phone reads it out
#
# The line above is what apps do, and to Nekesa it is a drawing. The next idea: phones can read text aloud. The voice
# that this phone came with is English. Press play. (The sound is inside the notebook; if you see no player, run the
# cell.)

# %%
from offlinefirst.language.sound import Player
from offlinefirst.language.speech import phonemes, speak

Player(speak(receipt, "en-gb"), "Swahili, read by an English voice")

# %% [markdown] spine="fails"
# ## It fails
#
# If you know Swahili you have heard it. If you do not, look at the sounds, in the International Phonetic Alphabet. Here
# is what the same program says with its English and with its Swahili voice:

# %% tags=["nbval-check-output"]
for language in ("en-gb", "sw"):
    print(f"{language:<6}", phonemes(receipt, language))

# %% [markdown]
# *Ni*, "is", has become "nigh"; *magunia*, "sacks", "magyoonier"; *mbili*, "two", "embilly". How much of it is wrong?
# We count the fewest sounds to change, drop or insert, the edit distance, over sounds without their stress.


# %%
def sounds(text, language):
    return [sound for sound in phonemes(text, language) if sound not in "ˈˌː "]


def edits(wanted, heard):
    """The fewest insertions, deletions and replacements that turn one list into the other."""
    row = list(range(len(heard) + 1))
    for i, sound in enumerate(wanted, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (sound != other))
    return row[-1]


# %% tags=["nbval-check-output"]
swahili = sounds(receipt, "sw")
for language in ("en-gb", "fr-fr", "id"):
    wrong = edits(swahili, sounds(receipt, language))
    print(f"voice {language:<6} {wrong:>2} of {len(swahili)} sounds wrong: {wrong / len(swahili):.0%}")

# %% [markdown]
# The English voice says two sounds in five wrong. An Indonesian one, by chance of spelling, far fewer. That is no
# advice: what it gets wrong it says with full confidence, and nobody at the store can tell.

# %% [markdown] spine="fix"
# ## First mend: a voice for the language
#
# espeak-ng is a free synthesiser made of rules. It sounds like a machine, needs no network, and its Swahili fits in
# here:

# %%
from pathlib import Path

import espeakng_loader

data = Path(espeakng_loader.get_data_path())
needed = [
    data / name for name in ("phondata", "phonindex", "phontab", "intonations", "sw_dict", "lang/bnt/sw")
]
voice_bytes = Path(espeakng_loader.get_library_path()).stat().st_size + sum(
    path.stat().st_size for path in needed
)
phone = device.current().profile
print(
    f"library and Swahili: {voice_bytes / 1e6:.2f} MB, {phone.link.transfer_s(voice_bytes):.0f} s on our link"
)

# %%
Player(speak(receipt, "sw"), "Swahili, read by espeak-ng's Swahili voice")

# %% [markdown]
# Better, and not yet to be trusted. A voice has to be tested on the app's own words, like every other dependency. This
# app knows a cow, *ng'ombe*, whose first sound is the one at the end of English "sing":

# %% tags=["nbval-check-output"]
for word in ("ng'ombe", "mang'ombe"):
    print(f"{word:<10}", phonemes(word, "sw"))

# %% [markdown]
# Inside a word the voice reads ng' well (the second "word" is made up to show it). At the beginning it takes the letters
# for an abbreviation and spells them: "en-ji-ombe". Every cow of the app is mispronounced. Our `speak` asks for
# the sounds of the word with an "a" before it, and speaks them without the "a". Before and after:

# %%
cows = "Ng'ombe wawili wamefika."
Player(speak(cows, "sw", as_written=True), "Two cows have arrived, as espeak-ng reads it")

# %%
Player(speak(cows, "sw"), "Two cows have arrived, mended")

# %% [markdown]
# ## And Otieno?
#
# We ask for a voice in Dholuo, whose code is `luo`.

# %% tags=["nbval-check-output"]
from offlinefirst.language.errors import LanguageError

try:
    speak("any text", "luo")
except LanguageError as error:
    print(error)

# %% [markdown]
# It would be easy to fall back to another voice here, and the app would look finished. A refusal that can be seen is
# worth more. Which languages of this course have a voice?

# %% tags=["nbval-check-output"]
from offlinefirst.language.speech import voices

spoken = {tag for voice in voices() for tag in voice.languages}
languages = {"sw": "Swahili", "am": "Amharic", "luo": "Dholuo", "ha": "Hausa", "yo": "Yoruba"}
languages |= {
    "rw": "Kinyarwanda",
    "zu": "Zulu",
    "ki": "Kikuyu",
    "so": "Somali",
    "om": "Oromo",
    "tn": "Setswana",
}
print(len(voices()), "voices")
print("with a voice:   ", ", ".join(name for tag, name in languages.items() if tag in spoken))
print("without a voice:", ", ".join(name for tag, name in languages.items() if tag not in spoken))

# %% [markdown]
# ## Second mend: record a speaker
#
# A person who speaks the language records the pieces, once, and the app plays them one after the other. We do not have a
# Dholuo speaker, and will not invent her grammar. So we practise on Swahili, whose grammar is printed in many books, and
# pretend that it has no voice. **No recordings come with the course**: clips spoken by espeak-ng stand in for them, and
# each picture says so.

# %%
from offlinefirst.language.sound import join

stand_ins = {}


def recording(piece):
    if piece not in stand_ins:
        stand_ins[piece] = speak(piece, "sw")
    return stand_ins[piece]


def play_pieces(pieces):
    return join([recording(piece) for piece in pieces])


# %% [markdown]
# ### The naive book of phrases
#
# The programmer thinks in English, number first, and records as few words as possible:

# %% tags=["nbval-check-output"]
NUMBERS = ["", "moja", "mbili", "tatu", "nne", "tano", "sita", "saba", "nane", "tisa", "kumi"]


def naive(count):
    return [NUMBERS[count], "gunia", "limefika"]


for count in (1, 2, 8):
    print(count, " ".join(naive(count)))

# %%
Player(play_pieces(naive(2)), "Naive: mbili gunia limefika (stand-ins, not recordings)")

# %% [markdown]
# Something like "two sack it-has-arrived". In Swahili the noun comes first, and two is not always *mbili*:
#
# | | one | two | three | six | eight | has / have arrived |
# |---|---|---|---|---|---|---|
# | person | mtu mmoja | watu **wa**wili | watu **wa**tatu | watu sita | watu **wa**nane | amefika / wamefika |
# | tree | mti mmoja | miti **mi**wili | miti **mi**tatu | miti sita | miti **mi**nane | umefika / imefika |
# | sack | gunia moja | magunia **ma**wili | magunia **ma**tatu | magunia sita | magunia **ma**nane | limefika / yamefika |
# | book | kitabu kimoja | vitabu **vi**wili | vitabu **vi**tatu | vitabu sita | vitabu **vi**nane | kimefika / vimefika |
# | day | siku moja | siku **m**bili | siku tatu | siku sita | siku nane | imefika / zimefika |
#
# Nouns fall into classes, and number and verb agree with the class. Six, seven, nine and ten agree with nothing.
# (J. F. Safari's *Swahili Made Easy*, lesson 11, has the numbers, though it lets only one to five agree; other
# grammars, which we follow, let eight agree too.)
#
# ![From a count to sound in four steps. The app gives the message "received" with two sacks. The grammar turns it into the plural noun, a number that agrees and a verb that agrees: magunia, mawili, yamefika. Each is one recording, and the three are joined.](figures/recorded-phrases.svg)

# %% [markdown]
# ### Agreement by hand
#
# Two classes are enough to see the pattern: what the number begins with, and what the verb begins with.

# %% tags=["nbval-check-output"]
STEMS = {1: "moja", 2: "wili", 3: "tatu", 4: "nne", 5: "tano", 8: "nane"}
SACK = {"one": "gunia", "many": "magunia", "numbers": ("", "ma"), "verbs": ("li", "ya")}
PERSON = {"one": "mtu", "many": "watu", "numbers": ("m", "wa"), "verbs": ("a", "wa")}


def counted(count, noun):
    several = count > 1
    number = noun["numbers"][several] + STEMS[count] if count in STEMS else NUMBERS[count]
    return [noun["many"] if several else noun["one"], number]


def arrived(count, noun):
    return [*counted(count, noun), noun["verbs"][count > 1] + "mefika"]


for count in (1, 2, 6, 8):
    print(f"{count}  {' '.join(arrived(count, SACK)):<25} {' '.join(arrived(count, PERSON))}")

# %%
Player(play_pieces(arrived(2, SACK)), "By grammar: magunia mawili yamefika (stand-ins, not recordings)")

# %% [markdown]
# How often was the naive book right?

# %% tags=["nbval-check-output"]
right = [count for count in range(1, 11) if naive(count) == arrived(count, SACK)]
words = [count for count in range(1, 11) if set(naive(count)) == set(arrived(count, SACK))]
print(f"counts for which the naive sentence is right: {right}; at least its words: {words}")

# %% tags=["long"]
import matplotlib.pyplot as plt
import numpy as np


def draw_pieces(pieces, title):
    """The joined sound, with the name of each piece above it."""
    figure, axis = plt.subplots(figsize=(9, 2.3), layout="constrained")
    start = 0.0
    for number, piece in enumerate(pieces):
        clip = join([recording(piece)])
        loudest = np.abs(clip.samples[: len(clip.samples) // 320 * 320]).reshape(-1, 320).max(axis=1)
        seconds = start + np.arange(len(loudest)) * 320 / clip.rate_hz  # the loudest sample of each 20 ms
        axis.bar(seconds, 2 * loudest, 0.02, -loudest, color=("#0072B2", "#D55E00")[number % 2], aa=False)
        axis.text(start + clip.seconds / 2, 1.05, piece, ha="center")
        start += clip.seconds + 0.03
    axis.set(xlabel="seconds", ylabel="pressure, −1 to 1", ylim=(-1, 1.4), title=title)
    axis.spines[["top", "right"]].set_visible(False)
    plt.close(figure)
    return figure


price = ["bei ni", "shilingi", "elfu", "mbili", "na", "mia", "tano"]
draw_pieces(
    [*arrived(2, SACK), *price], "Ten pieces, joined (stand-ins by espeak-ng: no person was recorded)"
)

# %% [markdown] spine="measure"
# ## Measure it: bytes against codec
#
# Recordings weigh more than text. What does a codec save, and what does it spoil? We store the receipt with five codecs
# at several settings and read it back. For quality we compare the spectrum with the original's: in short frames, 24
# bands as wide as the ear's, the difference in decibels. **This is a measurement and no listening test**; it only ranks
# how much of the sound was changed.


# %%
def bands_db(samples, rate_hz, size=512):
    """Energy in 24 mel bands from 100 to 7,500 Hz, one row for each frame of 32 ms."""
    padded = np.pad(samples, (0, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames)) ** 2
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(size, 1 / rate_hz) / 700)
    low, high = 2595 * np.log10(1 + np.array([100, 7500]) / 700)
    edges = np.searchsorted(mel, np.linspace(low, high, 25))
    return 10 * np.log10(np.add.reduceat(power, edges[:-1], axis=1) + 1e-4)


# %% [markdown]
# One codec delays the sound by a few milliseconds, so we line the two up first, where they correlate best; and silent
# frames do not count.


# %%
def line_up(decoded, original):
    length = 2 * max(len(decoded), len(original))
    likeness = np.fft.irfft(np.fft.rfft(decoded, length) * np.conj(np.fft.rfft(original, length)), length)
    delay = int(likeness.argmax())
    shifted = decoded[delay:] if delay < length // 2 else decoded
    return np.pad(shifted, (0, len(original)))[: len(original)]


def distance_db(original, decoded):
    before = bands_db(original.samples, original.rate_hz)
    after = bands_db(line_up(decoded.samples, original.samples), decoded.rate_hz)
    loud = before.mean(axis=1) > before.mean(axis=1).max() - 40
    return float(np.sqrt(((before - after)[loud] ** 2).mean(axis=1)).mean())


# %% tags=["long"]
from offlinefirst.language.sound import Clip, decode, encode

spoken_receipt = speak(receipt, "sw")
LEVELS = {"wav": [None], "flac": [None], "mp3": [0.6, 0.8, 0.9, 0.95], "vorbis": [0.4, 0.6, 0.8, 1.0]}
LEVELS |= {"opus": [0.8, 0.9, 0.95, 0.99]}
measured = []
for codec, levels in LEVELS.items():
    for level in levels:
        stored = encode(spoken_receipt, codec, compression=level)
        measured.append((codec, level, len(stored), distance_db(spoken_receipt, decode(stored))))

print(f"{spoken_receipt.seconds:.1f} s of speech at {spoken_receipt.rate_hz / 1000:.0f} kHz")
print("codec   level    bytes   kbit/s  on our link   cents   distance")
for codec, level, size, distance in measured:
    rate, wait_s = 8 * size / spoken_receipt.seconds / 1000, phone.link.transfer_s(size)
    cents = 100 * size / 1e9 * phone.price_usd_per_gb
    setting = "" if level is None else level
    print(
        f"{codec:<7} {setting:>5} {size:>8,} {rate:>8.1f} {wait_s:>9.1f} s {cents:>9.4f} {distance:>7.1f} dB"
    )

# %% tags=["long"]
COLOURS = {"wav": "#555555", "flac": "#000000", "mp3": "#D55E00", "vorbis": "#009E73", "opus": "#0072B2"}
MARKS = {"wav": "s", "flac": "D", "mp3": "v", "vorbis": "o", "opus": "^"}
figure, axis = plt.subplots(figsize=(8, 3.4), layout="constrained")
for codec, colour in COLOURS.items():
    points = [(size / 1000, distance) for name, _, size, distance in measured if name == codec]
    axis.plot(*zip(*points, strict=True), marker=MARKS[codec], color=colour)
    shift = (-42, -3) if codec == "vorbis" else (7, 5)
    axis.annotate(codec, points[-1], xytext=shift, textcoords="offset points", color=colour)
axis.set_xscale("log")
axis.set_xticks([5, 10, 20, 50, 100, 200], ["5", "10", "20", "50", "100", "200"])
axis.minorticks_off()
axis.set(
    xlabel="kilobytes for the receipt (log scale)",
    ylabel="spectral distance, dB",
    xlim=(5, 260),
    ylim=(-1, 11),
)
axis.set_title("Fewer bytes, more distortion: one synthesised sentence, no listening test")
axis.spines[["top", "right"]].set_visible(False)
plt.close(figure)
figure

# %% [markdown]
# WAV and FLAC change nothing, and FLAC still takes more than half of WAV. At about the same distance Opus takes the
# fewest bytes, which is what it was made for. (By this measure it does better at its second setting than at its first,
# with half the bytes: on its way down it changes to a method made for speech.) Each time on the link has 0.4 s of
# latency in it. Listen to two seconds of the smallest before you believe any number:

# %%
smallest = min((row for row in measured if row[0] == "opus"), key=lambda row: row[2])
label = "The smallest Opus, stored again as MP3 so that every browser plays it"
first_words = Clip(spoken_receipt.samples[: 2 * spoken_receipt.rate_hz], spoken_receipt.rate_hz)
Player(decode(encode(first_words, "opus", compression=smallest[1])), label)

# %% [markdown]
# ## Every message, every value
#
# Back to the recordings. Four messages, and the values that each can hold. A slot says what stands there: `count gunia`
# is the noun with its number, `verb gunia mefika` a verb that agrees with it. What happens at none is a sentence of its
# own.

# %%
from offlinefirst.language.phrases import Message, Phrasebook
from offlinefirst.language.swahili import Noun

NOUNS = {
    "gunia": Noun("gunia", "magunia", "ji-ma"),
    "mtu": Noun("mtu", "watu", "m-wa"),
    "kilo": Noun("kilo", "kilo", "n"),
}
PRICES = range(500, 9951, 50)
MESSAGES = {
    "received": Message("{n:count gunia} {n:verb gunia mefika}", {"n": range(1, 201)}),
    "weight": Message("uzito ni {kg:halves kilo}", {"kg": [half / 2 for half in range(1, 401)]}),
    "price": Message("bei ni {sh:money}", {"sh": PRICES}),
    "queue": Message("{n:count mtu} {n:verb mtu nasubiri}", {"n": range(31)}, none="hakuna mtu anayesubiri"),
}
book = Phrasebook(NOUNS, MESSAGES)
print(
    *(" ".join(book.pieces(*case)) for case in [("received", {"n": 21}), ("weight", {"kg": 2.5})]), sep="\n"
)
print(*(" ".join(book.pieces(*case)) for case in [("price", {"sh": 3250}), ("queue", {"n": 0})]), sep="\n")

# %% [markdown]
# That is: 21 sacks have arrived; the weight is two and a half kilos; the price is 3,250 shillings; nobody is
# waiting. A clerk at the store, with a telephone, records what came up on her first day. Is the app ready?

# %% tags=["nbval-check-output"]
first_day = [("received", {"n": n}) for n in (1, 2, 3, 5, 10, 12)]
first_day += [("weight", {"kg": kg}) for kg in (50, 90.5)] + [("price", {"sh": sh}) for sh in (2500, 3000)]
first_day += [("queue", {"n": n}) for n in (1, 2, 4)]
recorded = {piece for case in first_day for piece in book.pieces(*case)}
print(len(recorded), "recordings")

# %% [markdown]
# The check is short: make every message for every value, and list what nobody recorded.


# %%
def missing(book, recorded):
    """Each piece that was not recorded, with the first message that needs it."""
    first = {}
    for name, message in book.messages.items():
        for slot, values in message.values.items():
            for value in values:
                for piece in book.pieces(name, {slot: value}):
                    if piece not in recorded:
                        first.setdefault(piece, (name, value))
    return first


# %% tags=["nbval-check-output"]
lacking = missing(book, recorded)
print(len(lacking), "pieces are missing; the first messages that would fall silent:")
for piece, (name, value) in list(lacking.items())[:8]:
    print(f"  {name} {value}: {piece}")

# %% [markdown]
# A second session with the clerk, this time with the list in hand. How many recordings are there in all, and how many
# would it be if every sentence were recorded whole?

# %% tags=["nbval-check-output"]
recorded |= set(lacking)
sentences = sum(len(values) for message in MESSAGES.values() for values in message.values.values())
print(f"{len(recorded)} recordings speak {sentences} sentences; missing now: {missing(book, recorded)}")

# %%
clips = {piece: recording(piece) for piece in sorted(recorded)}
opus_bytes = sum(len(encode(join([clip]), "opus", compression=0.95)) for clip in clips.values())
wav_bytes = sum(len(encode(join([clip]), "wav")) for clip in clips.values())
for kind, size in {"WAV": wav_bytes, "Opus": opus_bytes, "the synthesiser": voice_bytes}.items():
    print(f"{kind:<16}{size / 1e3:>8.0f} kB {phone.link.transfer_s(size):>5.1f} s on our link")

# %% [markdown]
# As Opus the recordings are smaller than the voice, and a person's. What they cost is somebody's time, for each language
# and each change of the messages.
#
# Play with it: hear a receipt for other sacks and prices.

# %%
from ipywidgets import IntSlider

from offlinefirst.course.play import play


def hear(sacks, shillings):
    pieces = [*book.pieces("received", {"n": sacks}), *book.pieces("price", {"sh": shillings})]
    return Player(play_pieces(pieces), f"{' '.join(pieces)} (stand-ins)")


play(
    hear,
    sacks=IntSlider(8, min=1, max=200, description="sacks"),
    shillings=IntSlider(500, min=500, max=9950, step=50, description="shillings"),
)

# %% [markdown] spine="claim"
# ## The claim, checked
#
# The source's retinal app speaks its results in Kiswahili and Dholuo. The app cannot be had, so we cannot hear it. What
# a laptop can test: would a free voice that works offline have done? We ask for one voice at least in each.

# %%
from offlinefirst.measure.claims import verdict
from offlinefirst.measure.rules import at_least, each

tags = {"Kiswahili": "sw", "Dholuo": "luo"}
found = {name: sum(tag in voice.languages for voice in voices()) for name, tag in tags.items()}
rule = each({name: at_least(1) for name in found})
verdict("voice-feedback", measured=found, unit="voices in espeak-ng", rule=rule)

# %% [markdown]
# Half of it. For Dholuo such an app needs recordings, or a voice from elsewhere. It may well have them: the verdict says
# that this synthesiser is not enough, not that the app is silent.

# %% [markdown] spine="production"
# ## The production version
#
# `offlinefirst.language.phrases.gaps` does the check for several slots at once and also reports what the *grammar*
# cannot say. It belongs among the app's tests. Here it is, guarding a release:


# %%
from offlinefirst.language.phrases import gaps, heard_alike


def release(book, recorded):
    silent = gaps(book, recorded)
    if silent:
        lines = [f"{gap.message} {dict(gap.values)}: {gap.why}" for gap in silent]
        raise AssertionError("not every message can be spoken\n" + "\n".join(lines))
    return f"released: {len(book.messages)} messages can be spoken"


release(book, recorded)

# %% [markdown]
# In March somebody adds a message about cattle that were vaccinated. It works on their screen.

# %% tags=["fails-on-purpose"]
cow = {"ng'ombe": Noun("ng'ombe", "ng'ombe", "m-wa")}
vaccinated = Message("{n:count ng'ombe} {n:verb ng'ombe mechanjwa}", {"n": range(51)})
march = Phrasebook(NOUNS | cow, MESSAGES | {"vaccinated": vaccinated})
release(march, recorded)

# %% [markdown]
# Four gaps: a noun, a verb in two forms, and a sentence for none that nobody thought of. The numbers are all there,
# because a cow, although its noun looks like *siku*, agrees like a person: *ng'ombe wawili*. With the sentence and a
# third session it passes:

# %% tags=["nbval-check-output"]
vaccinated = Message(vaccinated.text, vaccinated.values, none="hakuna ng'ombe aliyechanjwa")
march = Phrasebook(NOUNS | cow, MESSAGES | {"vaccinated": vaccinated})
third_session = {gap.missing[0] for gap in gaps(march, recorded)}
print("to record:", ", ".join(sorted(third_session)))
print(release(march, recorded | third_session))

# %% [markdown]
# One more trap, for whoever sells by the lorry. Prices stop at 9,950 above, and the grammar refuses ten thousand:

# %% tags=["nbval-check-output"]
try:
    book.pieces("price", {"sh": 11_000})
except LanguageError as error:
    print(error)
print("messages that sound the same for two values:", len(heard_alike(march)))

# %% [markdown]
# *Elfu kumi na moja* can be heard as "ten thousand and one" and as "thousand: eleven". A wrong price is worse than
# none. People have ways around it (a pause, another order), and which one is used where you work is a question for a
# person.

# %% [markdown] spine="limits"
# ## What this does not show
#
# - **Nobody has listened.** Distances and edit counts are no judgement of speech. Let people who use the app tell you
#   what they heard, in the place where they stand: a store, with wind, on a telephone's loudspeaker.
# - **A grammar is not a speaker.** These forms are a textbook's. Markets shorten: many people count *kumi na mbili* of
#   anything. A speaker of the language decides, and for Dholuo, Hausa and Yoruba there is another grammar each.
#   Yoruba's tones make joined words harder still.
# - **Stand-ins join too well.** All were spoken by one machine in one tone. With a person, record each piece inside a
#   sentence, in one sitting, at one distance, and again for the end of a sentence, where the voice falls.
# - **Neural voices exist** for several of these languages and sound far better. They take tens of megabytes and a
#   licence to read; measure them as chapter 4 does.

# %% [markdown] spine="check"
# ## Check yourself

# %%
from offlinefirst.course.quiz import quiz

quiz("03-local-language-support/03-answers-you-can-hear")

# %% [markdown] spine="next"
# ## Next
#
# [The lab](../../labs/03-local-language-support/lab.ipynb): a normaliser that keeps meaning, a router that can say "I
# do not know", and a phrasebook of your own.
