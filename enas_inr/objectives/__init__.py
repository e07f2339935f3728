"""Scores to maximise, one file each."""
