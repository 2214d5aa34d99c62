"""Training: the loop, optimizers, augmentation, callbacks and the history.

Import from the modules directly: `history` and `outcome` do not import torch, so reading a run stays fast.
"""
