"""Figures: each function takes results and returns a matplotlib `Figure`; `save` and `to_svg` write it.

Figures are made for a column of 860 CSS pixels. They do not use pyplot. The architecture diagram is SVG text and needs
no matplotlib.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
