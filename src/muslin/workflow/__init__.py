"""What a user asks for in one call: one file per verb, the command line's twin."""
