"""What is equal becomes equal; what is different stays different."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offlinefirst.language.normalise import (
    looks_like_legacy_hausa,
    mend_legacy_hausa,
    normalise,
    search_key,
    words,
)


@pytest.mark.parametrize(
    ("typed", "language", "wanted"),
    [
        ("o\u0323\u0300ro\u0323\u0300", "yo", "ọ̀rọ̀"),
        ("o\u0300\u0323ro\u0300\u0323", "yo", "ọ̀rọ̀"),
        ("ng\u2019ombe", "sw", "ng'ombe"),
        ("ng\u02bcombe", "sw", "ng'ombe"),
        ("Ng`ombe na ng´ombe", "sw", "Ng'ombe na ng'ombe"),
        ("n\u2019uburenganzira", "rw", "n'uburenganzira"),
        ("\u2018yanci", "ha", "'yanci"),
        ("\u2018Yancin Dan\u2019adam", "ha", "'Yancin Dan'adam"),
        ("ọmọ\u0301\u2019lé", "yo", "ọmọ\u0301'lé"),
        ("a\u00a0b\u2009c\td", "", "a b c d"),
        ("ẹ̀rí\u2010ọkàn", "yo", "ẹ̀rí-ọkàn"),
        ("\ufeffmaji\u00ad\u200b", "sw", "maji"),
        ("ሰላም፡ለሁሉ፡፡", "am", "ሰላም ለሁሉ።"),
        ("ነው።፡የተፈጥሮ", "am", "ነው። የተፈጥሮ"),
        ("ነው፡። የ", "am", "ነው። የ"),
    ],
)
def test_one_form(typed, language, wanted):
    assert normalise(typed, language) == unicodedata.normalize("NFC", wanted)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("‘yes’ she said", "en"),
        ("kò kó kọ kọ̀ kọ́", "yo"),
        ("ɓoye ɗaya ƙasa ƴan", "ha"),
        ("haqqoqi xaya", "ha"),
        ("ነጻና፣ ቋንቋ፤ ሰላም።", "am"),
        ("Dar es Salaam, 3.5 kg - KES 1,250!", "sw"),
        ("line one\nline two", "en"),
    ],
)
def test_what_must_stay_stays(text, language):
    assert normalise(text, language) == unicodedata.normalize("NFC", text)


@given(
    st.text(st.sampled_from("aọẹ\u0300\u0301\u0323'’‘`ʼ ፡።፣ngyY\u00a0-\u2010\n1"), max_size=25),
    st.sampled_from(["", "ha"]),
)
def test_twice_is_once(text, language):
    once = normalise(text, language)
    assert normalise(once, language) == once


def test_words():
    assert words("Ng'ombe 3, 'yanci; ẹ̀rí-ọkàn. (ሰላም፣ ለሁሉ።)") == ["Ng'ombe", "3", "'yanci", "ẹ̀rí", "ọkàn", "ሰላም", "ለሁሉ"]
    assert words(" ... ") == []


def test_a_search_key_forgets_marks_and_case_and_keeps_hooks():
    assert search_key("KỌ́") == search_key("kò") == "ko"
    assert search_key("ɗaya") != search_key("daya")
    assert search_key("ሰላም") == "ሰላም"


def test_hausa_of_an_old_font():
    assert looks_like_legacy_hausa("haqqoqi da zave")
    assert not looks_like_legacy_hausa("haƙƙoƙi, Qatar")
    assert not looks_like_legacy_hausa("Sannu da zuwa")
    assert mend_legacy_hausa("Xinkin qasa, zave") == "Ɗinkin ƙasa, zaɓe"
