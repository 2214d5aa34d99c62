"""Muslin: design small convolutional networks, train them fast on a CPU, and measure every choice."""
