"""Strategies that bring a loop of their own."""
