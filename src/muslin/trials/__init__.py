"""A trial and its identity, the store of trials, and where trials run: this machine, or a Ray cluster."""
