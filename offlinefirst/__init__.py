"""Offline-First AI: the production version of what the course's chapters build by hand."""

__version__ = "0.1.0"
