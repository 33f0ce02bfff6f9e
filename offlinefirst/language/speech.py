"""Speech without a network: text to sound with espeak-ng.

espeak-ng is a small synthesiser built from rules. It sounds like a machine, fits into a few megabytes and needs no
accelerator. Its library keeps one global state, so calls are made one after the other, whatever the thread.
"""

import ctypes
import re
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offlinefirst.language.errors import LanguageError
from offlinefirst.language.sound import Clip

LONGEST_TEXT = 2000  # characters; over this a person has stopped listening long ago
LONGEST_PATH = 140  # bytes; espeak-ng keeps its folder's path in a fixed buffer, and file names come after it
SYNCHRONOUS, DONT_EXIT = 2, 0x8000  # espeak_Initialize: give us the samples; report errors instead of ending Python
UTF8, PHONEMES_IN_TEXT = 1, 0x100
MNEMONICS, IPA = 0, 2  # how espeak-ng writes sounds: for itself, for people
# A word that begins with ng' (as in ng'ombe, cow) is spelled out letter by letter by version 1.52; inside a word the
# same letters are read well. So we ask for the sounds of the word with an "a" before it, and speak those without the a.
SPELLED_OUT = {"sw": re.compile(r"\bng'(?=[aeiou])\w+", re.IGNORECASE)}


@dataclass(frozen=True)
class Voice:
    """A voice that espeak-ng carries.

    Args:
        language: Its first language tag, such as "sw".
        name: In English, such as "Swahili".
        languages: All tags that it answers to.
        identifier: Its file, by which espeak-ng finds it whatever its tags.
    """

    language: str
    name: str
    languages: tuple[str, ...]
    identifier: str


class _VoiceStruct(ctypes.Structure):
    """`espeak_VOICE` of espeak-ng's speak_lib.h, as far as we read it."""

    _fields_ = (("name", ctypes.c_char_p), ("languages", ctypes.c_void_p), ("identifier", ctypes.c_char_p))


_lock = threading.Lock()
_chunks: list[NDArray[np.int16]] = []


def voices() -> tuple[Voice, ...]:
    """Every voice there is, sorted by language.

    Raises:
        LanguageError: espeak-ng cannot be loaded on this machine.
    """
    with _lock:
        return tuple(_voices())


def voice_for(language: str) -> Voice:
    """The voice of a language.

    Args:
        language: A tag such as "sw" or "en-gb".

    Raises:
        LanguageError: There is none, or espeak-ng cannot be loaded.
    """
    known = voices()
    for voice in known:
        if language.lower() in voice.languages:
            return voice
    raise LanguageError(
        f"espeak-ng has no voice for {language!r}, and another language's voice would not be understood. Record the "
        f"phrases instead (offlinefirst.language.phrases). It has {len(known)} voices; voices() lists them"
    )


def speak(
    text: str, language: str, *, words_per_minute: int = 150, rate_hz: int = 16_000, as_written: bool = False
) -> Clip:
    """Speak a text.

    Args:
        text: Up to `LONGEST_TEXT` characters, with something in it that can be said.
        language: The voice's tag, such as "sw".
        words_per_minute: From 80 to 450.
        rate_hz: Of the clip.
        as_written: Leave espeak-ng's own mistakes in (`SPELLED_OUT`).

    Returns:
        The sound.

    Raises:
        LanguageError: No such voice; text that is empty, too long, or has letters that this voice can only spell out;
            or espeak-ng cannot be loaded.
    """
    if not 80 <= words_per_minute <= 450:
        raise LanguageError(f"espeak-ng speaks 80 to 450 words a minute, not {words_per_minute}")
    text = unicodedata.normalize("NFC", text)
    if language == "sw":
        text = re.sub("[\u2018\u2019\u02bc]", "'", text)
    voice = _checked(text, language)
    flags = UTF8
    if not as_written and voice.language in SPELLED_OUT:
        text = text.replace("[[", " ").replace("]]", " ")  # espeak-ng's own marks, meant for us alone
        text = SPELLED_OUT[voice.language].sub(lambda word: f"[[{_sounds_inside(word[0], voice)}]]", text)
        flags |= PHONEMES_IN_TEXT
    with _lock:
        library, own_rate_hz = _library()
        _choose(library, voice)
        library.espeak_SetParameter(1, words_per_minute, 0)
        data = text.encode()
        _chunks.clear()
        failed = library.espeak_Synth(data, len(data) + 1, 0, 0, 0, flags, None, None)
        library.espeak_Synchronize()
        samples = np.concatenate(_chunks) if _chunks else np.zeros(0, np.int16)
        _chunks.clear()
    if failed or not np.any(samples):
        raise LanguageError(f"espeak-ng made no sound of {_short(text)}; write it in letters that {voice.name} has")
    return Clip((samples / 32_768).astype(np.float32), own_rate_hz).at(rate_hz)


def phonemes(text: str, language: str) -> str:
    """The sounds that espeak-ng itself makes of a text, in the International Phonetic Alphabet.

    Args:
        text: Letters that the voice does not know come out as it spells them.
        language: The voice's tag.

    Raises:
        LanguageError: No such voice, a NUL in the text, or espeak-ng cannot be loaded.
    """
    return _sounds(text, voice_for(language), IPA)


def _sounds(text: str, voice: Voice, alphabet: int) -> str:
    if "\0" in text:
        raise LanguageError(f"there is a NUL character in {_short(text)}; take it out")
    with _lock:
        library, _ = _library()
        _choose(library, voice)
        buffer = ctypes.create_string_buffer(text.encode())
        place = ctypes.c_void_p(ctypes.addressof(buffer))
        clauses = []
        while place.value:
            clauses.append((library.espeak_TextToPhonemes(ctypes.byref(place), UTF8, alphabet) or b"").decode())
    return " ".join(clause.strip() for clause in clauses).strip()


def _sounds_inside(word: str, voice: Voice) -> str:
    """The sounds of a word as if it stood inside a longer one, in espeak-ng's own writing."""
    return _sounds(f"a{word.lower()}", voice, MNEMONICS).removeprefix("_|").lstrip("',").removeprefix("a")


def _unknown_letters(text: str, voice: Voice) -> list[str]:
    """Letters that the voice would only name or spell: it leaves its language, marked (en), or says "letter ...".

    Letters that it takes for a plain one (é for e, ɗ for d) pass; only a speaker hears that.
    """
    foreign = _sounds("\u4e2d", voice, IPA)
    letter_word = foreign.rpartition(")")[2] if "(" in foreign else ""
    unknown = []
    for letter in sorted({one for one in text if one.isalpha() and not one.isascii()}):
        spelled = []
        for context in (letter, f"ba{letter}ba"):  # alone, a known letter may be called by its name; inside, a script
            sounds = _sounds(context, voice, IPA)  # may be foreign to the letters around it
            spelled.append("(" in sounds or bool(letter_word and letter_word in sounds))
        if all(spelled):
            unknown.append(letter)
    return unknown


def _checked(text: str, language: str) -> Voice:
    """The voice for a text that it can say."""
    voice = voice_for(language)
    if "\0" in text or not any(character.isalnum() for character in text):
        raise LanguageError(f"there is nothing to say in {_short(text)}; give it words, and no NUL")
    if len(text) > LONGEST_TEXT:
        raise LanguageError(f"{len(text)} characters are too much to listen to; split it at {LONGEST_TEXT}")
    unknown = _unknown_letters(text, voice)
    if unknown:
        raise LanguageError(
            f"the voice {voice.name} does not know {' '.join(unknown)} in {_short(text)} and would spell it out; use a "
            "voice of the text's own language, or record the phrase"
        )
    return voice


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")


def _choose(library: ctypes.CDLL, voice: Voice) -> None:
    if library.espeak_SetVoiceByName(voice.identifier.encode()):
        raise LanguageError(f"espeak-ng lists a voice {voice.name} but cannot load it; install espeakng-loader again")


@cache
def _voices() -> list[Voice]:
    library, _ = _library()
    listed, found, number = library.espeak_ListVoices(None), [], 0
    while listed[number]:
        struct, tags = listed[number].contents, []
        place = struct.languages
        while ctypes.string_at(place, 1) != b"\0":  # each tag: a byte of priority, the tag, a NUL
            tag = ctypes.string_at(place + 1)
            tags.append(tag.decode().lower())
            place += len(tag) + 2
        found.append(Voice(tags[0], struct.name.decode(), tuple(tags), struct.identifier.decode()))
        number += 1
    return sorted(found, key=lambda voice: (voice.language, voice.name))


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    """espeak-ng, ready, and its rate in Hz."""
    data, library = _loaded()
    if len(str(data).encode()) > LONGEST_PATH or not (data / "phontab").exists():
        raise LanguageError(
            f"espeak-ng cannot read its folder {data}: it must be there, with a path of at most {LONGEST_PATH} bytes. "
            "Install the course in a folder nearer to the root of the disk"
        )
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceStruct))
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_Synth.argtypes = [ctypes.c_char_p, ctypes.c_size_t, *[ctypes.c_uint] * 4, *[ctypes.c_void_p] * 2]
    rate_hz = library.espeak_Initialize(SYNCHRONOUS, 0, str(data).encode(), DONT_EXIT)
    if rate_hz <= 0:
        raise LanguageError(f"espeak-ng did not start with its data in {data}; install espeakng-loader again")
    library.espeak_SetSynthCallback(_take)
    return library, rate_hz


def _loaded() -> tuple[Path, ctypes.CDLL]:
    try:
        import espeakng_loader  # type: ignore[import-untyped]

        return Path(espeakng_loader.get_data_path()), ctypes.CDLL(espeakng_loader.get_library_path())
    except (ImportError, OSError, RuntimeError) as error:
        raise LanguageError(f"espeak-ng cannot be loaded ({error}); install the package espeakng-loader") from error


def _keep(wave: Any, count: int, _events: Any) -> int:
    if wave and count:
        _chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
    return 0


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_take: Callable[..., int] = _CALLBACK(_keep)
