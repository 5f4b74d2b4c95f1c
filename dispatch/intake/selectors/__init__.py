"""Read-only queries about imports: lists, progress, refused rows, warnings and their texts."""

from dispatch.intake.selectors.imports import (
    Progress,
    RefusedCells,
    batches,
    columns,
    file_problem,
    get_batch,
    progress_of,
    refused_csv,
    refused_rows,
    rows_to_correct,
    sample_csv,
    sketch,
    warnings,
    words_of,
)

__all__ = [
    "Progress",
    "RefusedCells",
    "batches",
    "columns",
    "file_problem",
    "get_batch",
    "progress_of",
    "refused_csv",
    "refused_rows",
    "rows_to_correct",
    "sample_csv",
    "sketch",
    "warnings",
    "words_of",
]
