"""Plugins: found, described, checked, made by name, and written."""
