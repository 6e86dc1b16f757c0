"""Correct pipelines, and how many of them the check calls unequal."""
