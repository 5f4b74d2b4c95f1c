from django.db import migrations

# This SQL is written by hand. Django's ExclusionConstraint needs django.contrib.postgres, which
# reads the database catalogue at every connect, before the retailer is known.
_ONCE = """
ALTER TABLE lockers_lockerreservation ADD CONSTRAINT reservation_box_once EXCLUDE USING gist (
    compartment_id WITH =, tstzrange(starts_at, ends_at) WITH &&
) WHERE (compartment_id IS NOT NULL AND state IN (
    'soft_held', 'hard_held', 'awaiting_deposit', 'deposited', 'ready', 'collect_expired',
    'courier_to_collect', 'blocked', 'disputed'
))
"""
# Degrees of longitude are shorter than those of latitude, so a query takes more rows than it needs
# and sorts them by their distance in metres.
_NEAREST = """
CREATE INDEX bank_nearest ON lockers_lockerbank USING gist (point(lon, lat)) WHERE active
"""


class Migration(migrations.Migration):
    """Add a constraint (one reservation a compartment at a time) and an index (nearest bank)."""

    dependencies = [("lockers", "0001_lockers")]

    operations = [
        migrations.RunSQL(
            sql=_ONCE,
            reverse_sql="ALTER TABLE lockers_lockerreservation DROP CONSTRAINT reservation_box_once",
        ),
        migrations.RunSQL(sql=_NEAREST, reverse_sql="DROP INDEX bank_nearest"),
    ]
