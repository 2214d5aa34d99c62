"""Ablation: every decision of a design measured against its alternatives, on paired seeds.

Names are imported when they are first used: a worker process needs few of them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
