"""Downloads of text files."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse


def csv_download(lines: Iterable[str], name: str) -> HttpResponse:
    """Return the lines of a CSV file as a download.

    They are read here. A streamed response would be read after the retailer's context has ended.

    Parameters
    ----------
    lines : iterable of str
        The text of the file, each line with its end.
    name : str
        The name of the file, with plain letters and its ending.
    """
    return HttpResponse(
        "".join(lines),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
