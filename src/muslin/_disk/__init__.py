"""The disk: writes that are whole or absent, the lock on a folder, new folders, and the user's cache."""
