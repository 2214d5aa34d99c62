"""The run folder and what run.json holds: the one place that knows the layout of a run on disk."""
