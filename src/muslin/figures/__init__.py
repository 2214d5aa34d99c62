"""Figures: each function takes results and returns a `Figure` of matplotlib; `save` and `to_svg` turn it into files.

Sizes are those of a column some 860 CSS pixels wide. Nothing is drawn by, or known to, pyplot. The architecture
diagram is SVG text and needs no matplotlib.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
