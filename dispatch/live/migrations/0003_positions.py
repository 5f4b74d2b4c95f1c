"""Adds positions: the partitioned history, the last one of each run, and devices that send them.

Django cannot create a partitioned table, so the history is created by SQL. Two functions make and
drop its partitions. They run with the rights of their owner, because the role of a running
installation may not create tables. They find their own schema, so a copied schema needs no change.
"""

import django.db.models.deletion
from django.db import migrations, models

_ON_EARTH = models.Q(("lat__gte", -90), ("lat__lte", 90), ("lon__gte", -180), ("lon__lte", 180))

_CREATE = """
CREATE TABLE live_position (
    day date NOT NULL,
    source varchar(28) NOT NULL,
    client_id uuid NOT NULL,
    run_id bigint NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    lat double precision NOT NULL,
    lon double precision NOT NULL,
    accuracy_m double precision,
    speed_mps double precision,
    heading_deg smallint,
    flags smallint NOT NULL,
    PRIMARY KEY (day, source, client_id),
    CONSTRAINT position_on_earth CHECK (
        lat >= -90 AND lat <= 90 AND lon >= -180 AND lon <= 180)
) PARTITION BY RANGE (day);
CREATE INDEX position_of_run ON live_position (run_id, at);

CREATE FUNCTION live_keep_day(wanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own oid;
    place text;
    part text := 'live_position_' || to_char(wanted, 'YYYYMMDD');
BEGIN
    GET DIAGNOSTICS own = PG_ROUTINE_OID;
    SELECT n.nspname INTO place
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = own;
    IF EXISTS (
        SELECT FROM pg_class WHERE relname = part AND relnamespace = place::regnamespace
    ) THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('live_position'), hashtext(place));
    IF EXISTS (
        SELECT FROM pg_class WHERE relname = part AND relnamespace = place::regnamespace
    ) THEN
        RETURN false;
    END IF;
    -- Attaching a table blocks no INSERT; creating it as a partition would.
    EXECUTE format('CREATE TABLE %1$I.%2$I (LIKE %1$I.live_position INCLUDING ALL)', place, part);
    EXECUTE format(
        'ALTER TABLE %1$I.live_position ATTACH PARTITION %1$I.%2$I FOR VALUES FROM (%3$L) TO (%4$L)',
        place, part, wanted, wanted + 1);
    RETURN true;
END $$;

CREATE FUNCTION live_drop_days(before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    own oid;
    place text;
    part text;
    dropped integer := 0;
BEGIN
    GET DIAGNOSTICS own = PG_ROUTINE_OID;
    SELECT n.nspname INTO place
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = own;
    FOR part IN
        SELECT c.relname
          FROM pg_inherits i
               JOIN pg_class c ON c.oid = i.inhrelid
               JOIN pg_class t ON t.oid = i.inhparent
         WHERE t.relname = 'live_position' AND t.relnamespace = place::regnamespace
           AND c.relname < 'live_position_' || to_char(before, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %I.%I', place, part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
"""
_DROP = """
DROP FUNCTION live_drop_days(date);
DROP FUNCTION live_keep_day(date);
DROP TABLE live_position;
"""


class Migration(migrations.Migration):
    dependencies = [("live", "0002_proof")]

    operations = [
        migrations.AddField(
            model_name="device",
            name="kind",
            field=models.CharField(default="app", max_length=8),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["app", "tracker"])), name="device_kind"
            ),
        ),
        migrations.CreateModel(
            name="LastPosition",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="last_position",
                        serialize=False,
                        to="live.run",
                    ),
                ),
                ("source", models.CharField(max_length=28)),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("lat", models.FloatField()),
                ("lon", models.FloatField()),
                ("accuracy_m", models.FloatField(null=True)),
                ("speed_mps", models.FloatField(null=True)),
                ("heading_deg", models.SmallIntegerField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["received_at"], name="last_position_changed"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=_ON_EARTH, name="last_position_on_earth"),
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(_CREATE, _DROP)],
            state_operations=[
                migrations.CreateModel(
                    name="Position",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "day",
                                "source",
                                "client_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("day", models.DateField()),
                        ("source", models.CharField(max_length=28)),
                        ("client_id", models.UUIDField()),
                        (
                            "run",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="positions",
                                to="live.run",
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("received_at", models.DateTimeField()),
                        ("lat", models.FloatField()),
                        ("lon", models.FloatField()),
                        ("accuracy_m", models.FloatField(null=True)),
                        ("speed_mps", models.FloatField(null=True)),
                        ("heading_deg", models.SmallIntegerField(null=True)),
                        ("flags", models.SmallIntegerField(default=0)),
                    ],
                    options={
                        "ordering": ("at", "client_id"),
                        "indexes": [
                            models.Index(fields=["run", "at"], name="position_of_run"),
                        ],
                        "constraints": [
                            models.CheckConstraint(condition=_ON_EARTH, name="position_on_earth"),
                        ],
                    },
                ),
            ],
        ),
    ]
