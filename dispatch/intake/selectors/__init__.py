"""Reading imports: lists, one with its figures, its refused rows, and their words."""

from dispatch.intake.selectors.imports import (
    Standing,
    batches,
    file_problem,
    get_batch,
    refused_csv,
    refused_rows,
    sample_csv,
    sketch,
    standing,
    warnings,
    words_of,
)

__all__ = [
    "Standing",
    "batches",
    "file_problem",
    "get_batch",
    "refused_csv",
    "refused_rows",
    "sample_csv",
    "sketch",
    "standing",
    "warnings",
    "words_of",
]
