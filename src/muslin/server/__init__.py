"""The server: a page for trying a network on images, and its HTTP API. Does not import torch."""

from muslin.server.app import create_app
from muslin.server.settings import Settings

__all__ = ["Settings", "create_app"]
