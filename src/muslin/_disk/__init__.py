"""The disk: atomic writes, the lock on a folder, new folders, and the user's cache."""
