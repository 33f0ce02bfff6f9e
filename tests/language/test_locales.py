"""What babel writes, what it had to inherit, and the calendar that it does not know."""

import datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from offlinefirst.language import locales, parallel
from offlinefirst.language.errors import LanguageError, UnknownLanguageError

DAY = datetime.date(2026, 11, 21)


def test_coverage_tells_own_from_inherited():
    swahili, kinyarwanda = locales.coverage("sw"), locales.coverage("rw")
    assert swahili["currency names"] > 100
    assert kinyarwanda["currency names"] == 0
    assert kinyarwanda["months"] == swahili["months"] == 12


def test_what_is_inherited_is_said():
    assert locales.write_date(DAY, "sw") == locales.Written("Jumamosi, 21 Novemba 2026")
    assert locales.write_date(DAY, "rw").inherited == ("date order",)
    assert locales.write_money(1250, "KES", "sw", spelled=True).text == "shilingi za Kenya 1,250.00"
    assert "currency names" in locales.write_money(1250, "KES", "rw", spelled=True).inherited
    assert locales.write_number(Decimal("1234.5"), "rw").text == "1.234,5"


def test_looking_at_own_data_leaves_babel_as_it_was():
    parallel.own_data("sw")
    assert locales.write_number(1234567, "sw").text == "1,234,567"


@pytest.mark.parametrize(
    ("typed", "language", "wanted"), [("1,250", "sw", 1250), ("1.250", "rw", 1250), (" 12 ", "am", 12)]
)
def test_numbers_are_read(typed, language, wanted):
    assert locales.read_number(typed, language) == wanted


@pytest.mark.parametrize(("typed", "language"), [("1,25", "sw"), ("12,5,0", "sw"), ("kg", "sw"), ("", "sw")])
def test_what_is_no_number_is_refused(typed, language):
    with pytest.raises(LanguageError, match="Ask for it again"):
        locales.read_number(typed, language)


@pytest.mark.parametrize("language", ["xx", "", "../sw", "Swahili"])
def test_an_unknown_language_is_refused(language):
    with pytest.raises(UnknownLanguageError):
        locales.coverage(language)
    with pytest.raises(UnknownLanguageError):
        locales.write_date(DAY, language)


@pytest.mark.parametrize("currency", ["kes", "KSH1", "", "K1S"])
def test_no_currency_code_is_refused(currency):
    with pytest.raises(LanguageError, match="three capitals"):
        locales.write_money(1, currency, "sw")


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        ((2007, 9, 12), (2000, 1, 1)),
        ((2023, 9, 11), (2015, 13, 6)),
        ((2023, 9, 12), (2016, 1, 1)),
        ((2026, 9, 10), (2018, 13, 5)),
        ((2026, 9, 11), (2019, 1, 1)),
    ],
)
def test_the_ethiopian_calendar(day, wanted):
    assert locales.ethiopic_date(datetime.date(*day)) == wanted


def test_the_ethiopian_calendar_misses_no_day():
    days = [locales.ethiopic_date(datetime.date(1999, 1, 1) + datetime.timedelta(n)) for n in range(3000)]
    for (year, month, of_month), after in pairwise(days):
        last = of_month == (30 if month < 13 else 6 if year % 4 == 3 else 5)
        next_month = (year, month + 1, 1) if month < 13 else (year + 1, 1, 1)
        assert after == (next_month if last else (year, month, of_month + 1))
