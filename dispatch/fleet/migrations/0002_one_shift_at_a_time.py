from django.db import migrations

# This SQL is written by hand. Django's ExclusionConstraint needs django.contrib.postgres, which
# reads the database catalogue at every connect, before the retailer is known.
_TEMPLATE = """
ALTER TABLE fleet_shift ADD CONSTRAINT shift_one_{what} EXCLUDE USING gist (
    {what}_id WITH =, tstzrange(starts_at, ends_at) WITH &&
) WHERE (state = 'scheduled')
"""


class Migration(migrations.Migration):
    """Add constraints: scheduled shifts of a vehicle, or of a driver, cannot overlap."""

    dependencies = [("fleet", "0001_fleet")]

    operations = [
        migrations.RunSQL(
            sql=_TEMPLATE.format(what=what),
            reverse_sql=f"ALTER TABLE fleet_shift DROP CONSTRAINT shift_one_{what}",
        )
        for what in ("vehicle", "driver")
    ]
