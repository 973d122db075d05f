"""The one exception of this runner."""


class Problem(Exception):
    """Something the user has to know, said in one sentence."""
