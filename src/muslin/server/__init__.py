"""The fitting room: a page to try a network on, and the HTTP API behind it. Needs no torch."""

from muslin.server.app import create_app
from muslin.server.settings import Settings

__all__ = ["Settings", "create_app"]
