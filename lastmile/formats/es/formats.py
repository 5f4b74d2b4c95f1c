"""Spanish: ``1.506,30``. Django puts a space between thousands; shops in Chile write a dot."""

THOUSAND_SEPARATOR = "."
DECIMAL_SEPARATOR = ","
NUMBER_GROUPING = 3
