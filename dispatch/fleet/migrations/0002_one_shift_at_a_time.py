from django.db import migrations

# Written by hand: Django's ExclusionConstraint asks for django.contrib.postgres, whose hook reads
# the catalogue at every connect, before any retailer is known.
_TEMPLATE = """
ALTER TABLE fleet_shift ADD CONSTRAINT shift_one_{what} EXCLUDE USING gist (
    {what}_id WITH =, tstzrange(starts_at, ends_at) WITH &&
) WHERE (state = 'scheduled')
"""


class Migration(migrations.Migration):
    """A vehicle, and a driver, stands in one scheduled shift at a time."""

    dependencies = [("fleet", "0001_fleet")]

    operations = [
        migrations.RunSQL(
            sql=_TEMPLATE.format(what=what),
            reverse_sql=f"ALTER TABLE fleet_shift DROP CONSTRAINT shift_one_{what}",
        )
        for what in ("vehicle", "driver")
    ]
