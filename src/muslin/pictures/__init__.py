"""Pictures: the decoder for training and prediction, and the preparation of photos."""
