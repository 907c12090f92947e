"""Prices written by people, as whole numbers of the currency's smallest unit."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from babel.core import get_global
from babel.numbers import get_currency_precision
from price_parser import Price

MAX_MINOR = 10**13
"""A price beyond this is a mistake in any currency."""
SYMBOLS = {
    "$": "USD", "US$": "USD", "USD$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD",
    "€": "EUR", "£": "GBP", "¥": "JPY", "円": "JPY", "元": "CNY", "₹": "INR", "₩": "KRW", "zł": "PLN",
    "₽": "RUB", "₺": "TRY", "R$": "BRL", "CHF": "CHF", "kr": "SEK", "Kč": "CZK", "₴": "UAH", "฿": "THB",
}  # fmt: skip
NEGATIVE = re.compile(r"^\s*[^\d]*[-−–]\s*[^\d\s]{0,4}\s*\d|^\s*\(.*\d.*\)\s*$")
FREE = frozenset({"free", "gratis", "0"})
PLAIN = re.compile(r"\d+(\.\d*)?([eE][+-]?\d{1,3})?")
THOUSANDS = re.compile(r"\d{1,3}\.\d{3}")


@dataclass(frozen=True)
class ParsedPrice:
    """A price, or why there is none."""

    minor: int | None
    currency: str | None
    fault: str = ""


def parse_currency(raw: str | None) -> str | None:
    """ISO 4217 code behind a code or symbol; None when it is neither."""
    if raw is None:
        return None
    text = raw.strip()
    if text in SYMBOLS:
        return SYMBOLS[text]
    return text.upper() if text.upper() in get_global("all_currencies") else None


def parse_price(raw: str | int | float, currency: str | None) -> ParsedPrice:
    """A price as number or text (`$1,299.00`, `1.299,00 €`, `12,50`, `free`).

    A currency in the text wins over `currency`, except that a bare `$` does not speak against
    another dollar. Negative, NaN, infinite and absurd prices are faults.
    """
    if isinstance(raw, (str, bool)):
        return _parse_text(str(raw), currency)
    if isinstance(raw, float) and not math.isfinite(raw):
        return ParsedPrice(None, currency, f"expected a finite price; found {raw}")
    return _in_minor(Decimal(str(raw)), currency, str(raw))


def _parse_text(raw: str, currency: str | None) -> ParsedPrice:
    text = raw.strip()
    if text.casefold() in FREE:
        return ParsedPrice(0, currency)
    if NEGATIVE.search(text):
        return ParsedPrice(None, currency, f"expected a price of 0 or more; found {text[:60]!r}")
    # `1.299` may be people's way of writing 1,299; a plain number of any other form is read as it stands.
    if PLAIN.fullmatch(text) and not (THOUSANDS.fullmatch(text) and _digits(currency) != 3):
        return _in_minor(Decimal(text), currency, text)
    price = Price.fromstring(text[:200])
    if price.amount is None:
        return ParsedPrice(None, currency, f"expected a price; found {text[:60]!r}")
    named = parse_currency(price.currency)
    keep = currency is not None and (named is None or (price.currency == "$" and currency.endswith("D")))
    return _in_minor(price.amount, currency if keep else named, text)


def parse_minor(raw: str | int | float) -> ParsedPrice:
    """A price that is in minor units already: a whole number from 0 to `MAX_MINOR`."""
    try:
        amount = Decimal(str(raw).strip())
        if not isinstance(raw, bool) and 0 <= amount <= MAX_MINOR and amount == int(amount):
            return ParsedPrice(int(amount), None)
    except (InvalidOperation, OverflowError, ValueError):
        pass
    expected = f"expected a whole number from 0 to {MAX_MINOR}"
    return ParsedPrice(None, None, f"{expected}; found {str(raw)[:60]!r}")


def _in_minor(amount: Decimal, currency: str | None, raw: str) -> ParsedPrice:
    # Compared before it is scaled: the digits of 1e999 are not worth writing out.
    if 0 <= amount <= MAX_MINOR:
        minor = int((amount * 10 ** _digits(currency)).to_integral_value(ROUND_HALF_UP))
        if minor <= MAX_MINOR:
            return ParsedPrice(minor, currency)
    return ParsedPrice(None, currency, f"expected a price of 0 to {MAX_MINOR} minor; found {raw[:60]!r}")


def _digits(currency: str | None) -> int:
    return int(get_currency_precision(currency)) if currency else 2
