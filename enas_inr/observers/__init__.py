"""Observers, which are told what happens in a search or a fit, such as to log it elsewhere."""
