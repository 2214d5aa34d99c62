"""Readers of files: from a path to the images and labels in it, one module per format."""
