"""Files of other products (exports of shops and of recommenders), each mapped onto our fields."""

from recsys.formats.format import Format, Kind, Wanted
from recsys.formats.recognition import (
    FORMATS,
    PLAIN,
    Recognised,
    format_names,
    require_format,
    rows_of,
    shaped,
)

__all__ = [
    "FORMATS",
    "PLAIN",
    "Format",
    "Kind",
    "Recognised",
    "Wanted",
    "format_names",
    "require_format",
    "rows_of",
    "shaped",
]
