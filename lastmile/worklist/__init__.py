"""The work list: shared rows (pointers) that name a schema, a kind of work and a due time.

A pointer holds no content of the work.
"""
