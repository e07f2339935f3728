"""Kinds of sub-networks, one file each."""
