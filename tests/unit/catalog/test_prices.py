from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.catalog.prices import MAX_MINOR, parse_currency, parse_minor, parse_price


@pytest.mark.parametrize(
    ("raw", "currency", "minor", "expected"),
    [
        ("$1,299.00", None, 129_900, "USD"),
        ("1.299,00 €", None, 129_900, "EUR"),
        ("¥1200", None, 1_200, "JPY"),
        ("12,50", "EUR", 1_250, "EUR"),
        ("$12", "CAD", 1_200, "CAD"),
        ("£12", "USD", 1_200, "GBP"),
        ("free", "EUR", 0, "EUR"),
        (12.5, None, 1_250, None),
        (12, "JPY", 12, "JPY"),
        ("12.345", "KWD", 12_345, "KWD"),
        ("1299.000", "EUR", 129_900, "EUR"),
        ("1e3", "EUR", 100_000, "EUR"),
        (0.125, "EUR", 13, "EUR"),
    ],
)
def test_prices_as_people_and_machines_write_them(
    raw: str | float, currency: str | None, minor: int, expected: str | None
) -> None:
    price = parse_price(raw, currency)
    assert (price.minor, price.currency, price.fault) == (minor, expected, "")


@pytest.mark.parametrize(
    "raw",
    [-1, -0.01, "-5", "$-5.00", "(5.00)", float("nan"), float("inf"), "NaN", "inf", "ask us", 1e300, "1e999"],
)
def test_what_is_no_price_is_a_fault(raw: str | float) -> None:
    price = parse_price(raw, "EUR")
    assert price.minor is None
    assert price.fault.startswith("expected")


@pytest.mark.parametrize(("raw", "minor"), [(1999, 1999), (1999.0, 1999), ("1999", 1999), (0, 0)])
def test_minor_units_are_taken_as_they_are(raw: str | float, minor: int) -> None:
    assert parse_minor(raw).minor == minor


@pytest.mark.parametrize("raw", [19.99, "19.99", -1, float("nan"), "x", True, MAX_MINOR + 1, "1e999"])
def test_what_is_no_whole_number_of_minor_units_is_a_fault(raw: str | float) -> None:
    assert parse_minor(raw).minor is None
    assert parse_minor(raw).fault


@pytest.mark.parametrize(
    ("raw", "code"),
    [("usd", "USD"), (" € ", "EUR"), ("zł", "PLN"), ("XQZ", None), ("", None), ("euro", None)],
)
def test_currencies_are_those_of_iso_4217(raw: str, code: str | None) -> None:
    assert parse_currency(raw) == code


@settings(max_examples=200, deadline=None)
@given(minor=st.integers(0, 10**10), currency=st.sampled_from(["USD", "JPY", "KWD"]))
def test_a_decimal_number_of_units_is_its_minor_units(minor: int, currency: str) -> None:
    digits = get_currency_precision(currency)
    amount = Decimal(minor).scaleb(-digits)
    assert parse_price(float(amount), currency).minor == minor
    assert parse_price(f"{amount:.{digits}f}", currency).minor == minor
