"""Signals on regular grids: read, written, and cut into cells.

`signal.py` holds what a signal and a modality are. The modules beside it are about signals of any
kind; `pictures` and `sounds` hold the built-in modalities.
"""
