"""Pictures: `image.py` is the modality.

`decoding.py` chooses the library that reads a file into a `Raster`, and `encoding.py` that which
writes one.
"""
