"""Backbones, which are kinds of sub-networks, one file each."""
