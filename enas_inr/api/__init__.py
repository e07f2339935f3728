"""The Python functions behind the commands."""
