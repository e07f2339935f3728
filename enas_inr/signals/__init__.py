"""Signals on regular grids: read, written, and cut into cells."""
