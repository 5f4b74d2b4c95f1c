"""Imports of points from GeoJSON, CSV and Excel files, on the machinery of order files.

``dispatch.intake`` stores the file, runs the job, keeps the refused rows and the preview; here is
what differs: the columns of a point, the reasons of its faults, and what a row does.
"""
