"""What cannot be judged, said in one sentence."""


class CodeError(ValueError):
    """A function, a declaration or a target that cannot be used; the message is one sentence."""
