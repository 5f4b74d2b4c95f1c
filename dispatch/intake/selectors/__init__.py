"""Read-only queries about imports: lists, progress, refused rows, warnings and their texts."""

from dispatch.intake.selectors.imports import (
    Progress,
    batches,
    columns,
    file_problem,
    get_batch,
    progress_of,
    refused_csv,
    refused_rows,
    sample_csv,
    sketch,
    warnings,
    words_of,
)

__all__ = [
    "Progress",
    "batches",
    "columns",
    "file_problem",
    "get_batch",
    "progress_of",
    "refused_csv",
    "refused_rows",
    "sample_csv",
    "sketch",
    "warnings",
    "words_of",
]
