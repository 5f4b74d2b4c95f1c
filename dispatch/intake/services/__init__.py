"""The services of intake: receive an order file, read it in a job, delete old files and rows."""

from dispatch.intake.services.drafting import to_draft
from dispatch.intake.services.erasing import erase_person, forget_kept_files, forget_rows
from dispatch.intake.services.reading import read_batch
from dispatch.intake.services.receiving import forget_files, import_previewed, receive_file

__all__ = [
    "erase_person",
    "forget_files",
    "forget_kept_files",
    "forget_rows",
    "import_previewed",
    "read_batch",
    "receive_file",
    "to_draft",
]
