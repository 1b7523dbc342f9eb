"""Decisions of admin, without input or output."""
