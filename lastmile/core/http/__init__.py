"""HTTP helpers that all pages and API views share: problems, paging, preconditions, look-ups, htmx.

Import them from here.
"""

from lastmile.core.http.htmx import toast
from lastmile.core.http.lookup import by_external_id, by_ref, fetch, id_param, named_in_body
from lastmile.core.http.paging import cursor_page, is_earlier, newest_rows, page_rows
from lastmile.core.http.preconditions import etag, expected_version, require_match
from lastmile.core.http.problems import problem_from, problem_response

__all__ = [
    "by_external_id",
    "by_ref",
    "cursor_page",
    "etag",
    "expected_version",
    "fetch",
    "id_param",
    "is_earlier",
    "named_in_body",
    "newest_rows",
    "page_rows",
    "problem_from",
    "problem_response",
    "require_match",
    "toast",
]
