"""Makes equal what is the same text, and nothing else.

What it changes: Unicode form (NFC), the many apostrophes where they stand for a letter, the many spaces and hyphens,
the Ethiopic word space, two Ethiopic word spaces typed for a full stop. What it never touches, because it tells words
apart: accents and dots below, hooked letters, an apostrophe that belongs to a word, Ethiopic punctuation, case.

The rules rest on Unicode (UAX 15 for the forms) and on the orthographies: Swahili ng', Hausa 'y and its glottal stop,
Kinyarwanda's elisions (n'uburenganzira).
"""

import re
import unicodedata

#: Signs that people and keyboards use for one apostrophe.
APOSTROPHES = "'\u2019\u2018\u02bc\u02bb\u00b4`\u2032\uff07"
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t]")
_NOTHING = re.compile("[\u00ad\ufeff\u200b]")  # soft hyphen, byte order mark, zero-width space: nobody typed them
_MARKS = "\u0300-\u036f"
_LETTER = rf"[^\W\d_][{_MARKS}]*"
_INNER = re.compile(rf"(?<=[^\W\d_{_MARKS}])([{_MARKS}]*)[{APOSTROPHES}](?=[^\W\d_])")
_HAUSA_Y = re.compile(rf"(?<!\w)[{APOSTROPHES}](?=[yY][^\W\d_])")
_NG = re.compile(rf"\b([nN][gG])[{APOSTROPHES}](?=[^\W\d_])")
_WORD = re.compile(rf"(?:'(?=[yY]))?(?:{_LETTER}|\d)+(?:'(?:{_LETTER}|\d)+)*'?")
_LEGACY_HAUSA = str.maketrans("xXqQvV", "ɗƊƙƘɓƁ")
_HOOKED = frozenset("ɓɗƙƴƁƊƘƳ")


def normalise(text: str, language: str = "") -> str:
    """Give a text its one form.

    Args:
        text: In any Unicode form.
        language: Its code ("sw", "ha", ...) where known; "ha" lets an apostrophe begin a word, as in 'yanci.

    >>> normalise("Ng\u2019ombe wangu", "sw")
    "Ng'ombe wangu"
    >>> normalise("ሰላም፡ለሁሉ፡፡", "am")
    'ሰላም ለሁሉ።'
    """
    text = unicodedata.normalize("NFC", text)
    text = _SPACES.sub(" ", _NOTHING.sub("", text)).replace("\u2010", "-").replace("\u2011", "-")
    text = re.sub("፡ ?፡", "።", text)
    text = re.sub("፡(?=[፣፤፥።])|(?<=[፣፤፥።])፡(?=$)", "", text).replace("፡", " ")
    text = _INNER.sub(r"\1'", text)
    if language == "ha":
        text = _HAUSA_Y.sub("'", text)
    return re.sub(" +", " ", text).strip(" ")


def words(text: str) -> list[str]:
    """The words of a normalised text: letters with their marks and inner apostrophes, and numbers; no punctuation.

    >>> words("Ẹ̀tọ́ ọmọnìyàn, ng'ombe 3; 'yanci.")
    ['Ẹ̀tọ́', 'ọmọnìyàn', "ng'ombe", '3', "'yanci"]
    """
    return [found.removesuffix("'") for found in _WORD.findall(text)]


def search_key(text: str, language: str = "") -> str:
    """A second, looser form for searching, kept *beside* the text and never instead of it.

    Case and marks go, since people type without them; letters that Unicode does not take apart (ɗ, ƙ) stay.
    Different words may share a key: a search shows all of them, and a person chooses.

    >>> search_key("Ọkọ́") == search_key("ọkọ̀")
    True
    """
    folded = unicodedata.normalize("NFD", normalise(text, language).casefold())
    return unicodedata.normalize("NFC", re.sub(f"[{_MARKS}]", "", folded))


def looks_like_legacy_hausa(text: str) -> bool:
    """Whether a Hausa text was typed for an old font that drew x, q and v as ɗ, ƙ and ɓ.

    True when x, q or v occurs and no hooked letter does. Hausa's own alphabet has none of the three; a name or a
    foreign word may, so a person should look before `mend_legacy_hausa` is believed.
    """
    return bool(re.search("[xqv]", text, re.IGNORECASE)) and not _HOOKED & set(text)


def mend_legacy_hausa(text: str) -> str:
    """Put the hooked letters where an old font had x, q and v.

    >>> mend_legacy_hausa("haqqoqi xaya, zave")
    'haƙƙoƙi ɗaya, zaɓe'
    """
    return text.translate(_LEGACY_HAUSA)
