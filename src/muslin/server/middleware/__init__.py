"""Middleware: access control, capacity, size of bodies, and query parameters."""
