"""Make a schema that equals another: the definitions are asked of PostgreSQL and replayed.

PostgreSQL writes each definition without schema names when everything it mentions is on the path;
read with the source alone on the path and run with the target alone, the same text makes the copy.
No foreign key, default or trigger of the copy can then point back at the source.

What is copied: tables with columns, defaults, identity and generated columns; rows; primary keys,
unique, exclusion, check and foreign keys; indexes; functions; triggers. Any other kind of thing in
the source is refused by name rather than left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from lastmile.core.postgres.context import check_name, required_schema_context

# Kinds of pg_class that are no part of a table: views, sequences of their own, foreign tables …
_STRANGE = """
    SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                WHEN 'S' THEN 'sequence' WHEN 'p' THEN 'partitioned table'
                WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'composite type' END
           || ' ' || c.relname
      FROM pg_class c
     WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('v','m','S','p','f','c')
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
                  WHERE a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped)
      FROM pg_class c
     WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r' ORDER BY c.relname
"""
# A copied default would call the source's own functions; written out, it finds the target's.
_DEFAULTS = """
    SELECT format('ALTER TABLE %%s ALTER COLUMN %%I SET DEFAULT %%s', quote_ident(c.relname),
                  a.attname, pg_get_expr(d.adbin, d.adrelid))
      FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum
     WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r' AND a.attgenerated = ''
     ORDER BY c.relname, a.attnum
"""
_FUNCTIONS = """
    SELECT pg_get_functiondef(p.oid), p.proname FROM pg_proc p
     WHERE p.pronamespace = %(schema)s::regnamespace AND p.prokind IN ('f','p') ORDER BY p.oid
"""
# Checks come with CREATE TABLE … LIKE; 'n' (not null) too. 'f' waits until the rows are there.
_CONSTRAINTS = """
    SELECT format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', quote_ident(c.relname), k.conname,
                  pg_get_constraintdef(k.oid, true))
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
     WHERE c.relnamespace = %(schema)s::regnamespace AND k.contype::text = ANY(%(kinds)s)
     ORDER BY c.relname, k.conname
"""
_INDEXES = """
    SELECT pg_get_indexdef(i.indexrelid, 0, true)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r'
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid
                          AND k.contype IN ('p','u','x'))
     ORDER BY i.indexrelid
"""
_TRIGGERS = """
    SELECT pg_get_triggerdef(t.oid, true) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal ORDER BY t.oid
"""


class CannotClone(RuntimeError):
    """The source holds something that this module does not know how to copy."""


def clone_schema(source: str, target: str) -> None:
    """Make the schema `target`, equal to `source` in structure and rows, in one transaction.

    Raises
    ------
    CannotClone
        The source holds a kind of thing that is not copied (a view, an enum …).
    django.db.ProgrammingError
        The target exists already.
    """
    check_name(source)
    check_name(target)
    with transaction.atomic(), connection.cursor() as cursor:
        statements = list(_definitions(cursor, source, target))
        cursor.execute(f"CREATE SCHEMA {target}")
        # A function may name a table that is not there yet.
        cursor.execute("SET LOCAL check_function_bodies = off")
        _path(cursor, target)
        cursor.execute(";\n".join(statements))
        _path(cursor, required_schema_context().search_path)


def _path(cursor: CursorWrapper, path: str) -> None:
    cursor.execute(f"SET LOCAL search_path = {path}")


def _definitions(cursor: CursorWrapper, source: str, target: str) -> Iterable[str]:
    _path(cursor, source)
    strange = _column(cursor, _STRANGE, source)
    if strange:
        raise CannotClone(
            f"{source} holds what clone.py does not copy: {', '.join(strange)}. Teach it, or do"
            " without."
        )
    cursor.execute(_TABLES, {"schema": source})
    tables = cursor.fetchall()
    cursor.execute(_FUNCTIONS, {"schema": source})
    for definition, name in cursor.fetchall():
        # The head of a function always names its schema; its body never should.
        yield definition.replace(f"FUNCTION {source}.{name}", f"FUNCTION {target}.{name}", 1)
    for _oid, table, columns, identities in tables:
        yield (
            f"CREATE TABLE {table} (LIKE {source}.{table} INCLUDING ALL"
            " EXCLUDING DEFAULTS EXCLUDING INDEXES EXCLUDING STATISTICS)"
        )
        names = ", ".join(columns)
        # Every name here was quoted by PostgreSQL itself, or checked as a schema's.
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
