"""Sounds: `audio.py` is the modality, and the others know the formats of its files."""
