"""Number formats for Spanish, as in ``1.506,30``.

Django separates thousands by a space; shops in Chile write a dot.
"""

THOUSAND_SEPARATOR = "."
DECIMAL_SEPARATOR = ","
NUMBER_GROUPING = 3
