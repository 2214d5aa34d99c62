"""The fitting room: a page to try a network on, and the HTTP API behind it. Needs no torch."""

from muslin.serve.app import create_app
from muslin.serve.settings import Settings

__all__ = ["Settings", "create_app"]
