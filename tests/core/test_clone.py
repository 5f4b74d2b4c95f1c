"""A cloned schema equals its source in everything that a migration or query may use."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from lastmile.core.postgres.clone import CannotClone, clone_schema
from lastmile.core.tenancy import TEMPLATE, RetailerRef, retailer_context, shared_context

# One query per kind of object; results are compared as text, without schema names.
CATALOGUE = {
    "columns": """
        SELECT c.relname, a.attname, a.attnum - (SELECT count(*) FROM pg_attribute d
                 WHERE d.attrelid = c.oid AND d.attisdropped AND d.attnum BETWEEN 1 AND a.attnum),
               format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
               a.attcollation::regcollation::text, pg_get_expr(d.adbin, d.adrelid), a.attstorage
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
               LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p')
           AND NOT c.relispartition AND NOT a.attisdropped ORDER BY 1, 3""",
    "constraints": """
        SELECT c.relname, k.conname, k.contype, k.condeferrable, k.condeferred, k.convalidated,
               pg_get_constraintdef(k.oid, true)
          FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
         WHERE c.relnamespace = %(schema)s::regnamespace AND NOT c.relispartition
         ORDER BY 1, 2, 3""",
    "partitioned": """
        SELECT c.relname, pg_get_partkeydef(c.oid) FROM pg_class c
         WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'p' ORDER BY 1""",
    "indexes": """
        SELECT c.relname, x.relname, i.indisunique, i.indisvalid, pg_get_indexdef(x.oid, 0, true)
          FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
               JOIN pg_class x ON x.oid = i.indexrelid
         WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p')
           AND NOT c.relispartition ORDER BY 1, 2""",
    "sequences": """
        SELECT s.relname, q.seqstart, q.seqincrement, q.seqmax, t.relname
          FROM pg_class s JOIN pg_sequence q ON q.seqrelid = s.oid
               LEFT JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('i', 'a')
                    AND d.refclassid = 'pg_class'::regclass
               LEFT JOIN pg_class t ON t.oid = d.refobjid
         WHERE s.relnamespace = %(schema)s::regnamespace ORDER BY 1""",
    "functions": """
        SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
         WHERE p.pronamespace = %(schema)s::regnamespace ORDER BY 1, 2""",
    "triggers": """
        SELECT c.relname, t.tgname, t.tgenabled, pg_get_triggerdef(t.oid, true)
          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal ORDER BY 1, 2""",
    "ledger": "SELECT app, name FROM {schema}.django_migrations ORDER BY id",
}
# PostgreSQL changes casts when it reads its own text again: ARRAY['a'::varchar]::text[] becomes
# ARRAY['a'::varchar::text]. The meaning is the same, so the comparison ignores casts.
CASTS = re.compile(r"::(character varying|text)(\[\])?")
# Objects of the copy that depend on an object of the source.
STRAY = """
    WITH tables AS (
        SELECT oid FROM pg_class WHERE relnamespace = %(copy)s::regnamespace),
    mine AS (
        SELECT oid, 'pg_class'::regclass AS kind FROM tables
        UNION ALL SELECT oid, 'pg_constraint'::regclass FROM pg_constraint
                   WHERE connamespace = %(copy)s::regnamespace
        UNION ALL SELECT d.oid, 'pg_attrdef'::regclass FROM pg_attrdef d
                    JOIN tables ON tables.oid = d.adrelid
        UNION ALL SELECT t.oid, 'pg_trigger'::regclass FROM pg_trigger t
                    JOIN tables ON tables.oid = t.tgrelid)
    SELECT pg_describe_object(d.classid, d.objid, d.objsubid),
           pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
      FROM pg_depend d JOIN mine ON mine.oid = d.objid AND mine.kind = d.classid
     WHERE (d.refclassid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class c
              WHERE c.oid = d.refobjid AND c.relnamespace = %(source)s::regnamespace))
        OR (d.refclassid = 'pg_proc'::regclass AND EXISTS (SELECT FROM pg_proc p
              WHERE p.oid = d.refobjid AND p.pronamespace = %(source)s::regnamespace))
"""


def catalogue(schema: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the definitions of all objects in a schema, without the schema's name."""
    objects = {}
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL search_path = {schema}")
        for kind, query in CATALOGUE.items():
            cursor.execute(query.format(schema=schema), {"schema": schema})
            rows = cursor.fetchall()
            objects[kind] = [
                tuple(
                    CASTS.sub("", v.replace(f"{schema}.", "")) if isinstance(v, str) else v
                    for v in row
                )
                for row in rows
            ]
    return objects


def stray(source: str, copy: str) -> list[tuple[str, str]]:
    """Return the objects in the copy that depend on the source."""
    with connection.cursor() as cursor:
        cursor.execute(STRAY, {"source": source, "copy": copy})
        return cursor.fetchall()


@pytest.mark.parametrize("copy", ["t1", "t2", "house"])
def test_a_clone_equals_the_template(db: None, copy: str) -> None:
    with shared_context(), transaction.atomic():
        expected, actual = catalogue(TEMPLATE), catalogue(copy)
    for kind in CATALOGUE:
        assert actual[kind] == expected[kind], kind
    assert len(expected["columns"]) > 50
    assert any(row[2] == "f" for row in expected["constraints"])


def test_nothing_in_a_clone_depends_on_the_template(db: None) -> None:
    with shared_context():
        assert stray(TEMPLATE, "t1") == []
        with connection.cursor() as cursor:  # and the query can give another result
            cursor.execute(
                "ALTER TABLE t1.core_delivery ADD FOREIGN KEY (event_id)"
                " REFERENCES template.core_event (id)"
            )
        assert stray(TEMPLATE, "t1") != []


def test_every_kind_of_object_is_copied(db: None) -> None:
    with shared_context():
        with connection.cursor() as cursor:
            cursor.execute("""
                CREATE SCHEMA s_one;
                SET LOCAL search_path = s_one, public;
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'no'; END $$;
                CREATE FUNCTION double(n int) RETURNS int LANGUAGE sql IMMUTABLE AS
                    $$ SELECT n * 2 $$;
                CREATE TABLE a (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
                    n int NOT NULL DEFAULT double(4), twice int GENERATED ALWAYS AS (n * 2) STORED,
                    name text, CONSTRAINT a_small CHECK (n < 100), dropped int);
                ALTER TABLE a DROP COLUMN dropped;
                CREATE TABLE b (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
                    a_id bigint NOT NULL REFERENCES a DEFERRABLE INITIALLY DEFERRED,
                    span int4range,
                    CONSTRAINT b_apart EXCLUDE USING gist (a_id WITH =, span WITH &&));
                CREATE INDEX a_name ON a USING gin (name gin_trgm_ops);
                CREATE UNIQUE INDEX a_some ON a (lower(name)) WHERE n > 3;
                CREATE TRIGGER b_fixed BEFORE UPDATE ON b FOR EACH ROW EXECUTE FUNCTION refuse();
                INSERT INTO a (n, name) VALUES (5, 'x'), (6, 'y');
                INSERT INTO b (a_id) VALUES (2);
                CREATE TABLE days (day date NOT NULL, n int DEFAULT 4 CHECK (n < 9),
                    PRIMARY KEY (day, n)) PARTITION BY RANGE (day);
                CREATE INDEX days_n ON days (n);
                CREATE TABLE django_migrations (id int, app text, name text);
                SET LOCAL search_path = public;
            """)
        clone_schema("s_one", "s_two")
        one, two = catalogue("s_one"), catalogue("s_two")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL search_path = public")
        assert one == two
        assert stray("s_one", "s_two") == []
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO s_two.a (name) VALUES ('z') RETURNING id, n, twice")
            assert cursor.fetchone() == (
                3,
                8,
                16,
            )  # the sequence continues, and the default uses the copy's function
            cursor.execute("SELECT count(*) FROM s_one.a")
            assert cursor.fetchone() == (2,)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE s_two.day PARTITION OF s_two.days DEFAULT")
            cursor.execute("SELECT count(*) FROM pg_indexes WHERE schemaname = 's_two'"
                           " AND tablename = 'day'")  # fmt: skip
            assert cursor.fetchone() == (2,)  # a partition gets the indexes of the copy
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO s_two.b (a_id) VALUES (99)")
            with pytest.raises(IntegrityError), transaction.atomic():
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("DELETE FROM s_two.b WHERE a_id = 99")


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("CREATE VIEW s_odd.v AS SELECT 1 AS n", "view v"),
        ("CREATE SEQUENCE s_odd.q", "sequence q"),
        ("CREATE TYPE s_odd.e AS ENUM ('a')", "type e"),
        (
            """CREATE TABLE s_odd.p (n int) PARTITION BY RANGE (n);
               CREATE TABLE s_odd.q PARTITION OF s_odd.p DEFAULT""",
            "partition q",
        ),
    ],
)
def test_objects_that_cannot_be_copied_are_refused_by_name(
    db: None, statement: str, named: str
) -> None:
    with shared_context():
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA s_odd")
            cursor.execute(statement)
        with pytest.raises(CannotClone, match=named):
            clone_schema("s_odd", "s_new")


def test_a_clone_does_not_change_the_search_path(retailer: RetailerRef) -> None:
    clone_schema(TEMPLATE, "s_new")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == (retailer.schema,)
    with retailer_context("t2"), connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == ("t2",)
