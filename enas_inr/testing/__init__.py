"""Helps to test strategies, backbones and other plugins; used by our own tests."""
