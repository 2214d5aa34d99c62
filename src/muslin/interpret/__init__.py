"""Looking inside a trained network: its filters, its feature maps, and where in an image it finds its evidence.

Names are imported when they are first used: neighbours, regions, occlusion and the strongest units do without torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
