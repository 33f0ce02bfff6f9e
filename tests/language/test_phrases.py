"""The phrasebook's grammar against printed forms, and the check that nothing an app says is silent."""

import pytest

from offlinefirst.language.errors import LanguageError
from offlinefirst.language.phrases import EDGES, Message, Phrasebook, gaps, heard_alike, recordings
from offlinefirst.language.swahili import CLASSES, Noun, counted, halves, number

NOUNS = {
    noun.singular: noun
    for noun in (
        Noun("mtoto", "watoto", "m-wa"),
        Noun("mti", "miti", "m-mi"),
        Noun("gunia", "magunia", "ji-ma"),
        Noun("kijiko", "vijiko", "ki-vi"),
        Noun("siku", "siku", "n"),
        Noun("ng'ombe", "ng'ombe", "m-wa"),
        Noun("kilo", "kilo", "n"),
    )
}


@pytest.mark.parametrize(
    ("value", "noun", "spoken"),
    [
        (1, "mtoto", "mtoto mmoja"),
        (2, "mtoto", "watoto wawili"),
        (8, "mtoto", "watoto wanane"),
        (1, "mti", "mti mmoja"),
        (2, "mti", "miti miwili"),
        (4, "mti", "miti minne"),
        (14, "mti", "miti kumi na minne"),
        (1, "gunia", "gunia moja"),
        (2, "gunia", "magunia mawili"),
        (6, "gunia", "magunia sita"),
        (8, "gunia", "magunia manane"),
        (13, "gunia", "magunia kumi na matatu"),
        (11, "kijiko", "vijiko kumi na kimoja"),
        (12, "kijiko", "vijiko kumi na viwili"),
        (2002, "kijiko", "vijiko elfu mbili na viwili"),
        (1, "siku", "siku moja"),
        (2, "siku", "siku mbili"),
        (3, "siku", "siku tatu"),
        (2, "ng'ombe", "ng'ombe wawili"),
        (25, "mtoto", "watoto ishirini na watano"),
        (100, "mtoto", "watoto mia moja"),
    ],
)
def test_counted_nouns_as_grammars_print_them(value, noun, spoken):
    assert " ".join(counted(value, NOUNS[noun])) == spoken


@pytest.mark.parametrize(
    ("value", "spoken"),
    [
        (0, "sifuri"),
        (10, "kumi"),
        (21, "ishirini na moja"),
        (99, "tisini na tisa"),
        (100, "mia moja"),
        (101, "mia moja na moja"),
        (110, "mia moja na kumi"),
        (111, "mia moja na kumi na moja"),
        (1000, "elfu moja"),
        (1001, "elfu moja na moja"),
        (1010, "elfu moja na kumi"),
        (2500, "elfu mbili na mia tano"),
        (3250, "elfu tatu mia mbili na hamsini"),
        (9999, "elfu tisa mia tisa na tisini na tisa"),
    ],
)
def test_numbers(value, spoken):
    assert " ".join(number(value)) == spoken


@pytest.mark.parametrize("noun_class", CLASSES)
def test_every_number_sounds_like_itself_alone(noun_class):
    heard = [" ".join(number(value, noun_class)) for value in range(10_000)]
    assert len(set(heard)) == 10_000
    assert all("  " not in words and words.strip() == words for words in heard)


@pytest.mark.parametrize("wrong", [-1, 10_000, 2.0, "2", True, None])
def test_numbers_that_cannot_be_said(wrong):
    with pytest.raises(LanguageError, match="elfu kumi na moja"):
        number(wrong)


def test_none_and_unknown_classes_are_errors():
    with pytest.raises(LanguageError, match="sentence for none"):
        counted(0, NOUNS["mti"])
    with pytest.raises(LanguageError, match="choose from m-wa"):
        Noun("ukuta", "kuta", "u")
    with pytest.raises(LanguageError, match="no noun class"):
        number(3, "u")


@pytest.mark.parametrize(
    ("value", "spoken"),
    [
        (0.5, "nusu kilo"),
        (1, "kilo moja"),
        (1.5, "kilo moja na nusu"),
        (2.5, "kilo mbili na nusu"),
        (90, "kilo tisini"),
    ],
)
def test_halves(value, spoken):
    assert " ".join(halves(value, NOUNS["kilo"])) == spoken


@pytest.mark.parametrize("wrong", [0, -0.5, 0.25, 10_000.5])
def test_measures_that_cannot_be_said(wrong):
    with pytest.raises(LanguageError):
        halves(wrong, NOUNS["kilo"])


MESSAGES = {
    "received": Message("{n:count gunia} {n:verb gunia mefika}", {"n": EDGES}, none="hakuna gunia"),
    "price": Message("bei ni {sh:money}", {"sh": (500, 2500)}),
    "pest": Message("tumeona {pest:phrase} leo", {"pest": ("viwavi", "panya")}),
}
BOOK = Phrasebook(NOUNS, MESSAGES)


@pytest.mark.parametrize(
    ("name", "values", "pieces"),
    [
        ("received", {"n": 0}, ["hakuna gunia"]),
        ("received", {"n": 1}, ["gunia", "moja", "limefika"]),
        ("received", {"n": 2}, ["magunia", "mawili", "yamefika"]),
        ("price", {"sh": 2500}, ["bei ni", "shilingi", "elfu", "mbili", "na", "mia", "tano"]),
        ("pest", {"pest": "viwavi"}, ["tumeona", "viwavi", "leo"]),
    ],
)
def test_pieces(name, values, pieces):
    assert list(BOOK.pieces(name, values)) == pieces


@pytest.mark.parametrize(
    ("noun", "one", "several"),
    [("mtoto", "a", "wa"), ("mti", "u", "i"), ("gunia", "li", "ya"), ("kijiko", "ki", "vi"), ("siku", "i", "zi")],
)
def test_verbs_agree(noun, one, several):
    book = Phrasebook(NOUNS, {"m": Message(f"{{n:verb {noun} mefika}}", {"n": (1, 2)})})
    assert book.pieces("m", {"n": 1}) == (f"{one}mefika",)
    assert book.pieces("m", {"n": 2}) == (f"{several}mefika",)


@pytest.mark.parametrize(
    ("text", "values", "says"),
    [
        ("{n:count ndizi}", {"n": 1}, "'ndizi' is not in the phrasebook"),
        ("{n:colour}", {"n": 1}, "no kind of slot 'colour'"),
        ("{n:count gunia}", {}, "no value for the slot 'n'"),
        ("{n:count gunia}", {"n": "2"}, "cannot take '2'"),
        ("{n:phrase}", {"n": 2}, "cannot take 2"),
        ("{n:count gunia", {"n": 2}, "close every brace"),
        ("{n:count gunia}", {"n": 0}, "sentence for none"),
    ],
)
def test_messages_that_cannot_be_made(text, values, says):
    with pytest.raises(LanguageError, match="message 'm'") as error:
        Phrasebook(NOUNS, {"m": Message(text, {})}).pieces("m", values)
    assert says in str(error.value)


def test_an_unknown_message_is_an_error():
    with pytest.raises(LanguageError, match="no message 'hello'; the phrasebook has received"):
        BOOK.pieces("hello", {})


def test_all_recordings_leave_no_gap_and_each_is_needed():
    pieces = recordings(BOOK)
    assert gaps(BOOK, pieces) == ()
    for piece in pieces:
        assert [gap.missing for gap in gaps(BOOK, set(pieces) - {piece})] in ([(piece,)], [(piece,)] * 2)


def test_a_message_added_later_is_found():
    later = Phrasebook(NOUNS, MESSAGES | {"cows": Message("{n:count ng'ombe}", {"n": range(3)})})
    found = gaps(later, recordings(BOOK))
    assert {gap.message for gap in found} == {"cows"}
    assert {gap.missing for gap in found} == {(), ("ng'ombe",), ("mmoja",), ("wawili",)}
    assert next(gap for gap in found if not gap.missing).values == {"n": 0}


def test_two_errors_of_one_message_are_both_found():
    book = Phrasebook(NOUNS, {"m": Message("{a:money}{b:count gunia}", {"a": (5, 20_000), "b": (0, 1)})})
    assert {why for why in ("none", "10,001") if any(why in gap.why for gap in gaps(book, ()))} == {"none", "10,001"}


def test_a_slot_without_values_is_a_gap_and_not_silence():
    book = Phrasebook(NOUNS, {"m": Message("bei ni {sh:money}", {})})
    assert [gap.why for gap in gaps(book, {"bei ni"})] == ["no values are listed for sh"]


def test_an_empty_book_has_no_gaps():
    assert gaps(Phrasebook({}, {}), ()) == ()
    assert recordings(Phrasebook({}, {})) == ()


def test_values_that_sound_alike_are_found():
    assert heard_alike(BOOK) == ()
    vague = Phrasebook(NOUNS, {"m": Message("{n:verb gunia mefika}", {"n": (1, 2, 3)})})
    assert heard_alike(vague) == (("m", {"n": 2}, {"n": 3}),)


def test_too_many_combinations_are_refused():
    text = "{a:number}{b:number}{c:number}"
    book = Phrasebook({}, {"m": Message(text, dict.fromkeys("abc", range(100)))})
    with pytest.raises(LanguageError, match="1,000,000 combinations"):
        gaps(book, ())
