"""Boards of tentative plans: what one more visit would cost on each day, answered in milliseconds.

A process keeps boards in memory and brings them up to date from the log of changes. Travel times
are in files that all processes of a machine share. Boards and files hold nothing that the rows do
not have: both may be lost at any time.
"""

from dispatch.planning.boards.pricing import best_place, prepare, prepare_files, price_windows
from dispatch.planning.boards.shapes import UNPREPARED, DayCosts, NewVisit, Prepared, WindowCost
from dispatch.planning.boards.tables import folder_of, remove_files_of, remove_old_files

__all__ = [
    "UNPREPARED",
    "DayCosts",
    "NewVisit",
    "Prepared",
    "WindowCost",
    "best_place",
    "folder_of",
    "prepare",
    "prepare_files",
    "price_windows",
    "remove_files_of",
    "remove_old_files",
]
