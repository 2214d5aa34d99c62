"""Where images come from: what people name, the cache, the system, published data sets and their mirrors."""
