"""Pictures: one decoder for training and predicting, and the preparation of photos."""
