"""Objectives, which are scores to maximise, one file each."""
