"""Where trials are trained, one file each."""
