"""The same text in the seven languages of this chapter: what comparing tokenizers and identifiers needs.

The Universal Declaration when it was fetched (thirty articles, running text); otherwise names of months, days and
languages from the CLDR, which babel carries, so that a lesson runs on what ships, and says so.
"""

import html
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel import localedata

from offlinefirst.datasets.places import MissingDataError, locate
from offlinefirst.language.errors import LanguageError, UnknownLanguageError
from offlinefirst.language.normalise import normalise

#: Language code, its English name, and the Declaration's entry in the catalogue.
LANGUAGES = {
    "en": ("English", "udhr-eng"),
    "sw": ("Swahili", "udhr-swh"),
    "ha": ("Hausa", "udhr-hau"),
    "yo": ("Yoruba", "udhr-yor"),
    "rw": ("Kinyarwanda", "udhr-kin"),
    "zu": ("Zulu", "udhr-zul"),
    "am": ("Amharic", "udhr-amh"),
}
_ARTICLE = re.compile(r"<article[^>]*>(.*?)</article>", re.DOTALL)
_PARAGRAPH = re.compile(r"<(?:p|li)>(.*?)</(?:p|li)>", re.DOTALL)
_NAMES_A_SEGMENT = 6


@dataclass(frozen=True)
class Parallel:
    """The same content in several languages.

    Args:
        about: What the text is, for people.
        running: Whether it is running text; False for lists of names.
        segments: For each language code, pieces of text; the n-th pieces of all languages say the same.
    """

    about: str
    running: bool
    segments: Mapping[str, tuple[str, ...]]

    def text(self, language: str) -> str:
        """All of one language, a piece on each line."""
        return "\n".join(self.segments[language])


def parallel(*, data: Path | None = None) -> Parallel:
    """The Declaration in seven languages if it is here, else the names from the CLDR.

    Args:
        data: The folder for fetched data; the usual one when None.
    """
    try:
        texts = {language: declaration(language, data=data) for language in LANGUAGES}
    except MissingDataError:
        return Parallel("names of months, days and languages (CLDR)", False, cldr_names())
    return Parallel("Universal Declaration of Human Rights, articles 1 to 30", True, texts)


def declaration(language: str, *, data: Path | None = None, raw: bool = False) -> tuple[str, ...]:
    """The thirty articles of the Declaration, without headings and without the preamble (the Amharic file has none).

    Args:
        language: A code of `LANGUAGES`.
        data: The folder for fetched data; the usual one when None.
        raw: As it stands in the file; normalised when False.

    Raises:
        UnknownLanguageError: The course has no Declaration in this language.
        MissingDataError: It was not fetched; says what to run.
        LanguageError: The file has not thirty articles.
    """
    if language not in LANGUAGES:
        raise UnknownLanguageError(f"No Declaration in {language!r} here; there is {', '.join(LANGUAGES)}.")
    path = locate(LANGUAGES[language][1], data=data)
    articles = tuple(
        "\n".join(html.unescape(re.sub("<[^>]+>", "", found)).strip() for found in _PARAGRAPH.findall(article))
        for article in _ARTICLE.findall(path.read_text("utf-8"))
    )
    if len(articles) != 30:
        raise LanguageError(f"{path} has {len(articles)} articles, not 30. Fetch it again.")
    return articles if raw else tuple(_by_line(article, language) for article in articles)


def cldr_names() -> dict[str, tuple[str, ...]]:
    """Names that the CLDR has in all seven languages, six to a piece, in the same order everywhere."""
    own = {language: own_data(language) for language in LANGUAGES}
    named = [
        ("months", "format", "wide"),
        ("days", "format", "wide"),
        ("languages",),
    ]
    names: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for keys in named:
        tables = {language: _at(data, keys) for language, data in own.items()}
        shared = set.intersection(*(set(table) for table in tables.values()))
        for key in sorted(shared, key=str):
            for language, table in tables.items():
                names[language].append(normalise(str(table[key]), language))
    return {
        language: tuple(
            ", ".join(found[start : start + _NAMES_A_SEGMENT]) for start in range(0, len(found), _NAMES_A_SEGMENT)
        )
        for language, found in names.items()
    }


def own_data(language: str) -> dict[str, Any]:
    """What babel's CLDR data say in a language's own file, without what it inherits from the root.

    Raises:
        UnknownLanguageError: The CLDR in babel has no such language.
    """
    if not re.fullmatch(r"[a-zA-Z]{2,3}(_[a-zA-Z0-9]+)*", language) or not localedata.exists(language):
        raise UnknownLanguageError(f"babel's CLDR data have no language {language!r}. Use a code such as 'sw'.")
    # localedata.load would keep what it loads for all of babel, without its inheritance.
    with Path(localedata.resolve_locale_filename(language)).open("rb") as file:
        data: dict[str, Any] = pickle.load(file)
    return data


def _at(data: dict[str, Any], keys: tuple[str, ...]) -> Mapping[Any, Any]:
    for key in keys:
        data = data.get(key, {})
    return data


def _by_line(text: str, language: str) -> str:
    return "\n".join(normalise(line, language) for line in text.split("\n"))
