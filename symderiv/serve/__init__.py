"""Floor 8: the playground, a page on this machine into which formulas are typed.

Three kinds of process: the server, which reads requests and never a formula; keepers, which wait with
everything imported; and for each formula a child of a keeper, with limits, that ends with its answer.
"""

from symderiv.serve.limits import Limits, ServeError

__all__ = ["Limits", "ServeError"]
