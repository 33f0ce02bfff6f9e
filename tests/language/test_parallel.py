"""The same content in seven languages, with and without fetched data."""

import hashlib

import pytest

from offlinefirst.datasets.places import MissingDataError
from offlinefirst.language import parallel
from offlinefirst.language.errors import LanguageError, UnknownLanguageError


def test_without_fetched_data_names_stand_in(tmp_path):
    text = parallel.parallel(data=tmp_path)
    assert not text.running
    assert "CLDR" in text.about
    assert set(text.segments) == set(parallel.LANGUAGES)
    assert len({len(pieces) for pieces in text.segments.values()}) == 1
    names = {code: [len(piece.split(", ")) for piece in pieces] for code, pieces in text.segments.items()}
    assert names["sw"] == names["am"] == names["en"]
    assert "Januari" in text.text("sw")


def test_the_declaration_says_what_to_run_when_it_is_not_here(tmp_path):
    with pytest.raises(MissingDataError, match="udhr-yor"):
        parallel.declaration("yo", data=tmp_path)
    with pytest.raises(UnknownLanguageError, match="sw"):
        parallel.declaration("fr", data=tmp_path)


@pytest.fixture
def declared(tmp_path, monkeypatch):
    """A Declaration of our own, with hashes that fit."""

    def write(articles):
        body = "".join(
            f"<article><h2>{n}</h2>\n<p>Article&nbsp;{n}</p><ol><li>\n <p>ng\u2019ombe</p></li></ol></article>"
            for n in range(articles)
        )
        page = f"<html><header><p>Preamble</p></header>{body}</html>".encode()
        path = tmp_path / "page.html"
        path.write_bytes(page)
        monkeypatch.setattr(parallel, "locate", lambda name, data=None: path)
        return hashlib.sha256(page).hexdigest()

    return write


def test_articles_without_headings_or_preamble(declared):
    declared(30)
    found = parallel.declaration("sw")
    assert len(found) == 30
    assert found[3] == "Article 3\nng'ombe"
    assert parallel.declaration("sw", raw=True)[3] == "Article\u00a03\nng\u2019ombe"
    assert parallel.parallel().running


def test_a_file_with_articles_missing_is_refused(declared):
    declared(29)
    with pytest.raises(LanguageError, match="29 articles"):
        parallel.declaration("sw")
