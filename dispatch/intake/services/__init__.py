"""The services of intake: receive an order file, read it in a job, delete old files and rows."""

from dispatch.intake.services.correcting import (
    correct_rows,
    file_of,
    headings_in,
    match_columns,
)
from dispatch.intake.services.drafting import to_draft
from dispatch.intake.services.erasing import erase_person, forget_kept_files, forget_rows
from dispatch.intake.services.reading import Counts, FileWork, read_batch, refused_row
from dispatch.intake.services.receiving import (
    NewFile,
    forget_files,
    import_previewed,
    receive,
    receive_file,
)

__all__ = [
    "Counts",
    "FileWork",
    "NewFile",
    "correct_rows",
    "erase_person",
    "file_of",
    "forget_files",
    "forget_kept_files",
    "forget_rows",
    "headings_in",
    "import_previewed",
    "match_columns",
    "read_batch",
    "receive",
    "receive_file",
    "refused_row",
    "to_draft",
]
