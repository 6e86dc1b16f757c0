"""Rows on both sides of each decision, one representable step apart."""
