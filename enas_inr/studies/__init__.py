"""Studies: the loop of a search, the storage of its trials, and study files."""
