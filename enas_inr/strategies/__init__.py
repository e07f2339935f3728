"""Ways to propose architectures, one file each."""
