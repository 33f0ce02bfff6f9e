"""espeak-ng through its library, and clips through codecs: real sound, no stand-ins."""

import threading

import numpy as np
import pytest

from offlinefirst.language import speech
from offlinefirst.language.errors import LanguageError
from offlinefirst.language.sound import CODECS, Clip, Player, decode, encode, join
from offlinefirst.language.speech import phonemes, speak, voice_for, voices

SENTENCE = "Magunia mawili yamefika."


def tone(seconds=0.5, hertz=440.0, rate_hz=16_000):
    return Clip(
        (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.float32), rate_hz
    )


def test_voices_are_those_of_the_library():
    tags = {tag for voice in voices() for tag in voice.languages}
    assert {"sw", "am", "tn", "om", "en", "en-gb"} <= tags
    assert not {"luo", "ha", "yo", "zu", "rw"} & tags
    assert voice_for("SW").name == "Swahili"


def test_every_listed_voice_can_be_chosen():
    for tag in ("en-gb", "en-us", "pt-br", "am", "sw"):
        assert phonemes("a", tag)


@pytest.mark.parametrize("language", ["luo", "ha", "yo", "", "klingon"])
def test_an_unknown_voice_is_refused(language):
    for function in (speak, phonemes):
        with pytest.raises(LanguageError, match="no voice for"):
            function("habari", language)


def test_speech_is_sound_of_a_sensible_length():
    clip = speak(SENTENCE, "sw")
    assert clip.rate_hz == 16_000
    assert clip.samples.dtype == np.float32
    assert 1 < clip.seconds < 4
    assert 0.1 < np.abs(clip.samples).max() <= 1
    assert speak(SENTENCE, "sw", words_per_minute=300).seconds < 0.7 * clip.seconds


def test_the_voice_is_the_one_asked_for():
    assert phonemes("ni", "sw") == "nˈi"
    assert phonemes("bei", "en-gb") != phonemes("bei", "sw")
    first = phonemes(SENTENCE, "sw")
    speak("something else", "en-gb")
    assert phonemes(SENTENCE, "sw") == first


def test_phonemes_have_all_clauses():
    assert phonemes("Moja. Mbili, tatu.", "sw").replace("ˈ", "") == "moɟa mbili tatu"
    assert phonemes("", "sw") == ""


@pytest.mark.parametrize("text", ["", "  ", "...", "\n", "\0", "a\0b", "😀"])
def test_nothing_to_say_is_refused(text):
    with pytest.raises(LanguageError, match="nothing to say"):
        speak(text, "sw")


@pytest.mark.parametrize(("text", "letter"), [("ሰላም", "ሰ"), ("Ẹ kú", "Ẹ"), ("habari 中文", "中")])
def test_letters_that_would_be_spelled_out_are_refused(text, letter):
    with pytest.raises(LanguageError, match=letter):
        speak(text, "sw")


def test_other_limits_are_refused():
    with pytest.raises(LanguageError, match="2001 characters"):
        speak("a" * 2001, "sw")
    with pytest.raises(LanguageError, match="80 to 450"):
        speak("a", "sw", words_per_minute=20)
    with pytest.raises(LanguageError, match="NUL"):
        phonemes("a\0b", "sw")


def test_a_voice_reads_its_own_script():
    assert speak("ሰላም ለዓለም", "am").seconds > 0.5


@pytest.mark.parametrize("sign", "'\u2019\u2018\u02bc")
def test_a_word_that_begins_with_ng_apostrophe_is_not_spelled_out(sign):
    mended, spelled = speak(f"ng{sign}ombe", "sw"), speak("ng'ombe", "sw", as_written=True)
    assert mended.seconds < 0.85 * spelled.seconds
    assert abs(speak(f"NG{sign}OMBE", "sw").seconds - mended.seconds) < 0.05


def test_marks_of_the_synthesiser_in_a_text_do_nothing():
    assert speak("gunia [[x]] moja", "sw").seconds > speak("gunia moja", "sw").seconds


def test_threads_do_not_mix_their_sound():
    alone = {word: speak(word, "sw").seconds for word in ("moja", "magunia mawili yamefika hapa leo asubuhi")}
    found = []

    def say(word):
        found.extend((word, speak(word, "sw").seconds) for _ in range(25))

    threads = [threading.Thread(target=say, args=(word,)) for word in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 50
    assert all(abs(seconds - alone[word]) < 0.05 for word, seconds in found)


def test_a_library_that_is_not_there_says_what_to_install(monkeypatch):
    speech._library.cache_clear()
    monkeypatch.setattr("espeakng_loader.get_library_path", lambda: "/nowhere/libespeak-ng.so")
    try:
        with pytest.raises(LanguageError, match="install the package espeakng-loader"):
            speak("habari", "sw")
    finally:
        speech._library.cache_clear()
        speech._voices.cache_clear()


def test_data_that_is_not_there_or_too_deep_says_so(monkeypatch, tmp_path):
    speech._voices.cache_clear()
    for folder in (tmp_path, tmp_path / ("d" * 150)):
        folder.mkdir(exist_ok=True)
        (folder / "phontab").write_bytes(b"")
        if folder == tmp_path:
            (folder / "phontab").unlink()
        speech._library.cache_clear()
        monkeypatch.setattr("espeakng_loader.get_data_path", lambda folder=folder: str(folder))
        with pytest.raises(LanguageError, match="nearer to the root"):
            voices()
    speech._library.cache_clear()


@pytest.mark.parametrize("codec", CODECS)
def test_codecs_give_back_the_tone(codec):
    clip = tone()
    back = decode(encode(clip, codec))
    spectrum = np.abs(np.fft.rfft(back.samples[:8000]))
    assert back.rate_hz == 16_000
    assert abs(int(spectrum.argmax()) * 16_000 / 8000 - 440) < 5
    if codec in ("wav", "flac"):
        assert np.abs(back.samples - clip.samples).max() < 1e-4


@pytest.mark.parametrize("codec", ["mp3", "vorbis", "opus"])
def test_more_compression_takes_fewer_bytes(codec):
    clip = speak(SENTENCE, "sw")
    sizes = [len(encode(clip, codec, compression=level)) for level in (0.2, 0.6, 0.95)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < len(encode(clip, "flac"))


def test_sound_that_cannot_be_stored_or_read():
    with pytest.raises(LanguageError, match="choose from wav"):
        encode(tone(), "midi")
    with pytest.raises(LanguageError, match="no sound"):
        encode(Clip(np.zeros(0, np.float32), 16_000), "wav")
    with pytest.raises(LanguageError, match="resample"):
        encode(tone(rate_hz=22_050), "opus")
    for data in (b"", b"not sound", encode(tone(), "flac")[:20]):
        with pytest.raises(LanguageError, match="no sound file"):
            decode(data)


def test_resampling_keeps_the_tone_and_its_loudness():
    clip = tone(rate_hz=22_050).at(16_000)
    assert clip.rate_hz == 16_000
    assert clip.seconds == pytest.approx(0.5, abs=1e-3)
    assert np.abs(clip.samples[1000:-1000]).max() == pytest.approx(0.5, abs=0.02)
    assert int(np.abs(np.fft.rfft(clip.samples)).argmax()) * 2 == pytest.approx(440, abs=4)


def test_joining_drops_the_silence_and_keeps_the_order():
    quiet = np.zeros(4000, np.float32)
    first, second = tone(0.2, 300), tone(0.3, 900)
    padded = [Clip(np.concatenate([quiet, clip.samples, quiet]), 16_000) for clip in (first, second)]
    joined = join(padded, pause_s=0.1)
    assert joined.seconds == pytest.approx(0.6, abs=0.01)
    halves = np.abs(np.fft.rfft(joined.samples[:3000])), np.abs(np.fft.rfft(joined.samples[-3000:]))
    assert halves[0].argmax() < halves[1].argmax()


def test_joining_nothing_or_two_rates_is_refused():
    for clips in ([], [tone(), tone(rate_hz=8000)]):
        with pytest.raises(LanguageError, match="one rate"):
            join(clips)


def test_the_player_holds_its_sound_and_escapes_its_label():
    page = Player(tone(), '<b>"two" sacks')._repr_html_()
    assert 'src="data:audio/mpeg;base64,' in page
    assert "<b>" not in page
    assert "0.5 s of sound" in page
