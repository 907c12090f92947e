"""Cleaning one raw column of any type into one contract column, with the rows that resist."""

from recsys.columns.aliases import column_key, map_columns, missing_columns
from recsys.columns.cells import CellRefusedError, CleanColumn, Faults, clean_each
from recsys.columns.ids import clean_ids, id_text
from recsys.columns.numbers import clean_numbers
from recsys.columns.quarantine import quarantine_rows
from recsys.columns.raw import plain_table, plain_values
from recsys.columns.times import clean_times

__all__ = [
    "CellRefusedError",
    "CleanColumn",
    "Faults",
    "clean_each",
    "clean_ids",
    "clean_numbers",
    "clean_times",
    "column_key",
    "id_text",
    "map_columns",
    "missing_columns",
    "plain_table",
    "plain_values",
    "quarantine_rows",
]
