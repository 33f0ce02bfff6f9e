"""Measurements, and what they say about what others claim."""
