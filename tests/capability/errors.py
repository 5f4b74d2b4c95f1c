"""The errors of remarks."""

from __future__ import annotations

from lastmile.core.errors import Invalid


class RemarkTooLong(Invalid):
    """The remark is longer than the retailer allows."""

    code = "remark_too_long"
