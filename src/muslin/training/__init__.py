"""Training: the loop, optimizers, augmentation, callbacks and the history they leave.

Import from the modules: `history` and `outcome` need no torch, and reading a run must not wait for it.
"""
