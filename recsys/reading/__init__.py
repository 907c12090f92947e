"""Files of any supported kind as a stream of raw tables; what cannot be read becomes faults."""

from recsys.reading.files import links_outside, list_files, read_file
from recsys.reading.records import Fault, Reading, SourceBatch
from recsys.reading.rows import table_of_rows

__all__ = ["Fault", "Reading", "SourceBatch", "links_outside", "list_files", "read_file", "table_of_rows"]
