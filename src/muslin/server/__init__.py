"""The server: a page for trying a network on images, and its HTTP API. Does not import torch."""

import lazy_loader

from muslin._extras import require

_lazy, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if name in __all__:
        require("serve")
    return _lazy(name)
