"""Copies a schema: reads its definitions from PostgreSQL and runs them in the new schema.

PostgreSQL writes a definition without schema names if all its objects are on the search_path. So
the definitions are read with only the source on the path, and run with only the target on it. No
foreign key, default or trigger of the copy can then refer to the source.

It copies tables with columns, defaults, identity and generated columns; rows; primary, unique,
exclusion, check and foreign keys; indexes; functions; triggers; partitioned tables without
partitions, which each schema makes for itself. If the source has any other kind of object,
CannotClone names it; nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from lastmile.core.postgres.context import check_name, required_schema_context

# Kinds of objects that are not copied: views, separate sequences, foreign tables …
_UNSUPPORTED = """
    SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                WHEN 'S' THEN 'sequence' WHEN 'r' THEN 'partition' WHEN 'p' THEN 'partition'
                WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'composite type' END
           || ' ' || c.relname
      FROM pg_class c
     WHERE c.relnamespace = %(schema)s::regnamespace
       AND (c.relkind IN ('v','m','S','f','c') OR c.relkind IN ('r','p') AND c.relispartition)
       AND NOT (c.relkind = 'S' AND EXISTS (
            SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i'
               AND d.classid = 'pg_class'::regclass))
     UNION ALL
    SELECT 'type ' || t.typname FROM pg_type t
     WHERE t.typnamespace = %(schema)s::regnamespace AND t.typtype IN ('d','e','r')
"""
_TABLES = """
    SELECT c.oid, quote_ident(c.relname),
           array(SELECT quote_ident(a.attname) FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attgenerated = '' ORDER BY a.attnum),
           array(SELECT quote_ident(a.attname) FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped),
           CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) ELSE '' END
      FROM pg_class c
     WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r','p') ORDER BY c.relname
"""
# LIKE … INCLUDING DEFAULTS would call the source's functions; as text, a default uses the target's.
_DEFAULTS = """
    SELECT format('ALTER TABLE %%s ALTER COLUMN %%I SET DEFAULT %%s', quote_ident(c.relname),
                  a.attname, pg_get_expr(d.adbin, d.adrelid))
      FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum
     WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r','p')
       AND a.attgenerated = ''
     ORDER BY c.relname, a.attnum
"""
_FUNCTIONS = """
    SELECT pg_get_functiondef(p.oid), p.proname FROM pg_proc p
     WHERE p.pronamespace = %(schema)s::regnamespace AND p.prokind IN ('f','p') ORDER BY p.oid
"""
# CREATE TABLE … LIKE copies check and not-null constraints. Foreign keys ('f') follow the rows.
_CONSTRAINTS = """
    SELECT format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', quote_ident(c.relname), k.conname,
                  pg_get_constraintdef(k.oid, true))
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
     WHERE c.relnamespace = %(schema)s::regnamespace AND k.contype::text = ANY(%(kinds)s)
     ORDER BY c.relname, k.conname
"""
# The index of a partitioned table is written as ON ONLY, which would leave it without partitions.
_INDEXES = """
    SELECT replace(pg_get_indexdef(i.indexrelid, 0, true), ' ON ONLY ', ' ON ')
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r','p')
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid
                          AND k.contype IN ('p','u','x'))
     ORDER BY i.indexrelid
"""
_TRIGGERS = """
    SELECT pg_get_triggerdef(t.oid, true) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal ORDER BY t.oid
"""


class CannotClone(RuntimeError):
    """The source has a kind of object that this module cannot copy."""


def clone_schema(source: str, target: str) -> None:
    """Create the schema `target` with the structure and rows of `source`, in one transaction.

    Raises
    ------
    CannotClone
        The source has a kind of object that cannot be copied (a view, an enum …).
    django.db.ProgrammingError
        The target exists already.
    """
    check_name(source)
    check_name(target)
    with transaction.atomic(), connection.cursor() as cursor:
        statements = list(_definitions(cursor, source, target))
        cursor.execute(f"CREATE SCHEMA {target}")
        # A function may name a table that does not exist yet.
        cursor.execute("SET LOCAL check_function_bodies = off")
        _path(cursor, target)
        cursor.execute(";\n".join(statements))
        _path(cursor, required_schema_context().search_path)


def _path(cursor: CursorWrapper, path: str) -> None:
    cursor.execute(f"SET LOCAL search_path = {path}")


def _definitions(cursor: CursorWrapper, source: str, target: str) -> Iterable[str]:
    _path(cursor, source)
    unsupported = _column(cursor, _UNSUPPORTED, source)
    if unsupported:
        raise CannotClone(
            f"clone.py cannot copy these objects of {source}: {', '.join(unsupported)}. Add them to"
            " clone.py, or remove them."
        )
    cursor.execute(_TABLES, {"schema": source})
    tables = cursor.fetchall()
    cursor.execute(_FUNCTIONS, {"schema": source})
    for definition, name in cursor.fetchall():
        # PostgreSQL always writes the schema in the head of a function.
        yield definition.replace(f"FUNCTION {source}.{name}", f"FUNCTION {target}.{name}", 1)
    for _oid, table, columns, identities, partition_key in tables:
        yield (
            f"CREATE TABLE {table} (LIKE {source}.{table} INCLUDING ALL"
            " EXCLUDING DEFAULTS EXCLUDING INDEXES EXCLUDING STATISTICS)"
            + (f" PARTITION BY {partition_key}" if partition_key else "")
        )
        if partition_key:  # it has no partition, so it has no rows
            continue
        names = ", ".join(columns)
        # PostgreSQL has quoted these names, and the schema names were checked.
        yield f"INSERT INTO {table} ({names}) SELECT {names} FROM {source}.{table}"  # noqa: S608
        for column in identities:
            yield (
                f"SELECT setval(pg_get_serial_sequence('{target}.{table}', '{column}'),"  # noqa: S608
                f" max({column})) FROM {table} HAVING max({column}) IS NOT NULL"
            )
    yield from _column(cursor, _DEFAULTS, source)
    yield from _column(cursor, _CONSTRAINTS, source, kinds=["p", "u", "x"])
    yield from _column(cursor, _INDEXES, source)
    yield from _column(cursor, _CONSTRAINTS, source, kinds=["f"])
    yield from _column(cursor, _TRIGGERS, source)


def _column(cursor: CursorWrapper, query: str, schema: str, **more: list[str]) -> list[str]:
    cursor.execute(query, {"schema": schema, **more})
    return [row[0] for row in cursor.fetchall()]
