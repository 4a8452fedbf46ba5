"""Signals of one control plane, computed from two pages and a probe of each of its servers."""
