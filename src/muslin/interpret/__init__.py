"""Interpretation of a trained network: filters, feature maps, class activation maps, occlusion, nearest images.

Names are imported on first use: neighbors, regions, occlusion and the strongest units do not need torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
