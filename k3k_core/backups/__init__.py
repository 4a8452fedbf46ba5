"""Backups: one encrypted file each, and the places where they are kept."""
