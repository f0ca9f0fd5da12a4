"""Benchmarks: opencrm against hand-written code that does the same work, in the same run.

Run `make bench`, or `python -m benchmarks --help`; docs/explanation/performance.md says how to read the ratios.
"""
