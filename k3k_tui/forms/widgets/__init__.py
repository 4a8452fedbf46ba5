"""Widgets of the forms."""
