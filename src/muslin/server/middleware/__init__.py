"""What every request passes on its way in: who may ask, how many at a time, how large a body, which parameters."""
