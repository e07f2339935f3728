"""Damaged and hostile inputs for all readers."""
