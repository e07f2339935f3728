"""Pictures: `image.py` is the modality.

`decoding.py` chooses the library that reads a file into a `Raster`. `layout.py` says how a format
stores a picture, `encoding.py` makes its file, and `streaming.py` writes one that is large.
"""
