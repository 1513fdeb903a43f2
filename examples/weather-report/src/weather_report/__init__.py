"""Hourly observations in, daily reports out."""

__version__ = "0.1.0"
