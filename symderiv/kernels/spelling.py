"""One spelling for what problems write in many: shares, sigmoids, logarithms of sums of exponentials.

    e_k = exp(z_k),  e_i / Σ_k e_k       becomes   p_i,  p_i = exp(z_i) / Σ_k exp(z_k)
    exp(z_i - c) / Σ_k exp(z_k - c)      becomes   p_i,  likewise
    log(exp(z_y) / Σ_k exp(z_k))         becomes   log p_y
    log(Σ_k p_k exp(u_k))                becomes   log(Σ_k exp(z_k + u_k)) - log(Σ_k exp(z_k))
    1 / (1 + exp(-u))                    becomes   sigmoid(u)
    a / (a + b)                          becomes   sigmoid(log a - log b)   where a, b are exponentials or
    log(a + b)                           becomes   log a + softplus(log b - log a)    sums of exponentials
    log(cosh(u))                         becomes   |u| + softplus(-2 |u|) - log 2
    Σ_k w_k x_k^2 - (Σ_k w_k x_k)^2      becomes   Σ_k w_k (x_k - Σ_l w_l x_l)^2     where Σ_k w_k = 1

A problem is spelled so before it is differentiated: the calculus then finds the form of the share or
the sigmoid that has a name, and kernels are stable as for that. What its results *mean* stays the
problem as it was given. Each definition is evaluated before and after with 50 digits; one whose value
changes raises :class:`KernelError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from symderiv.expression.canonical import same
from symderiv.expression.construct import (
    add,
    base_and_exponent,
    divide,
    factors_of,
    multiply,
    negate,
    number,
    power,
)
from symderiv.expression.functions import call
from symderiv.expression.nodes import (
    Add,
    Call,
    Definition,
    Entry,
    Expression,
    Multiply,
    Number,
    Power,
    Shift,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children
from symderiv.kernels.errors import KernelError
from symderiv.kernels.masks import with_masks
from symderiv.kernels.moments import central_moment
from symderiv.kernels.monomial import Monomial, is_exposed, is_positive, monomial
from symderiv.kernels.rewrite_check import same_value
from symderiv.kernels.shares import Shares
from symderiv.kernels.totals import parts_of
from symderiv.problem import Problem, names_in, unfold


@lru_cache(maxsize=64)
def respelled(problem: Problem) -> Problem:
    """`problem` in the one spelling; itself where nothing in it is spelled otherwise.

    Raises
    ------
    KernelError
        If a rewrite changed the value of a definition.
    """
    speller = _Speller(problem)
    made: list[Definition] = []
    for definition in problem.definitions:
        body = speller.define(definition)
        made += [*speller.take_new(), replace(definition, body=body)]
    if tuple(made) == problem.definitions:
        return problem
    before = {each.name: each for each in problem.definitions}
    after = {each.name: each for each in made}
    for definition in problem.definitions:
        entry = Entry(definition.name, definition.indices)
        if after[definition.name] != definition and not same_value(entry, entry, before, after):
            raise KernelError(f"another spelling changed the value of {definition.name}: not emitted")
    found = replace(problem, definitions=tuple(made))
    used = {name for each in problem.definitions for name in names_in(each.body)}
    needed = {problem.output(), *speller.shares.names, *speller.kept, *(before.keys() - used)}
    todo = list(needed)
    while todo:
        new = found.directly_uses(todo.pop()) - needed
        needed |= new
        todo += new
    found = replace(found, definitions=tuple(each for each in made if each.name in needed))
    return found if found.output() == problem.output() else problem


class _Speller:
    """Rewrites the definitions of a problem, one after the other."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.definitions: dict[str, Definition] = {}
        #: Names that derivatives speak of: they stay where they are.
        self.kept = {entry.array for each in problem.expectations for entry in each.derivative.by} | {
            each.of for each in problem.upstream
        }
        self.labels = {given.name for given in problem.inputs if given.label_of is not None}
        self.shares = Shares(problem)

    def define(self, definition: Definition) -> Expression:
        """The body of a definition, respelled; what it brings in is to be taken before it."""
        definition = replace(definition, body=with_masks(definition.body, self.labels, self.opened))
        body = self.shares.note(definition, monomial(definition.body, self.opened, self._with_shares))
        if body is None:
            body = self.rewrite(definition.body)
        self.definitions[definition.name] = replace(definition, body=body)
        return body

    def take_new(self) -> list[Definition]:
        """The definitions that were brought in since the last call."""
        new = list(self.shares.new)
        self.shares.new.clear()
        return new

    # -- what entries stand for -------------------------------------------------------------

    def opened(self, entry: Entry) -> Expression | None:
        """What stands for an entry that may overflow."""
        definition = self.definitions.get(entry.array)
        if definition is None or entry.array in self.kept or not is_exposed(definition.body, self.opened):
            return None
        if entry.array in self.shares.names or any(isinstance(term, Shift) for term in entry.indices):
            return None
        return unfold(definition, entry)

    def _with_shares(self, entry: Entry) -> Expression | None:
        """The same with shares looked into as well."""
        if entry.array in self.shares.names and not any(isinstance(term, Shift) for term in entry.indices):
            return unfold(self.definitions[entry.array], entry)
        return self.opened(entry)

    # -- trees ------------------------------------------------------------------------------

    def rewrite(self, node: Expression) -> Expression:
        """`node` respelled, from the outside in."""
        found: Expression | None = None
        if isinstance(node, Call) and node.function == "log":
            found = self._log(node.arguments[0])
        elif isinstance(node, Multiply | Power):
            found = self._quotient(node)
        elif isinstance(node, Add):
            found = central_moment(node, self.definitions)
        if found is not None:
            return found
        return map_children(node, self.rewrite)

    def _quotient(self, node: Expression) -> Expression | None:
        """A product with sums of exponentials below, as shares and sigmoids; None where it is none."""
        if not any(_is_negative(base_and_exponent(factor)[1]) for factor in factors_of(node)):
            return None
        found = monomial(node, self.opened, self._with_shares)
        reduced = self._reduce(found)
        whole = found.whole()
        if is_exposed(whole):
            distributed = self._distributed(found, whole)
            if distributed is None or is_exposed(distributed):
                return self._over_total(node)
            return distributed
        if not reduced:
            return self._over_total(node) if is_exposed(whole, self.opened) else None
        return map_children(whole, self._inside) if isinstance(whole, Multiply) else self._inside(whole)

    def _inside(self, node: Expression) -> Expression:
        """What stands in a factor that has been dealt with: no quotient any more."""
        return node if isinstance(node, Entry) else map_children(node, self.rewrite)

    def _over_total(self, node: Expression) -> Expression | None:
        """A product over 1 + Σ_k exp(z_k), or another total of several terms, written out: no sigmoid of
        it, which would leave the exponentials alone. It has one largest exponent, which kernels take. So
        has Σ_k w_k exp(z_k), or a sum of those that a mask lets pass, where they have names.
        """
        written = self._written_out(node)
        below = (base_and_exponent(factor) for factor in factors_of(written))
        return written if any(_is_negative(count) and _is_total(base) for base, count in below) else None

    def _written_out(self, node: Expression) -> Expression:
        """Products and sums of exponentials without the names of these."""
        match node:
            case Entry():
                inside = self.opened(node)
                return node if inside is None else self._written_out(inside)
            case Where(condition, then, otherwise):
                return Where(condition, self._written_out(then), self._written_out(otherwise))
            case Add() | Multiply() | Power() | Sum():
                return map_children(node, self._written_out)
            case Call("exp", _):
                return map_children(node, self.rewrite)
            case _:
                return self.rewrite(node)

    def _distributed(self, found: Monomial, whole: Expression) -> Expression | None:
        """A product with a sum of exponentials in it multiplied out, each term a quotient."""
        for count, base in found.factors.values():
            if count == 1 and isinstance(base, Add) and is_exposed(base, self.opened):
                others = [each for each in factors_of(whole) if each != base]
                terms = [self._quotient(multiply(term, *others)) for term in base.terms]
                known = [term for term in terms if term is not None]
                return _difference(known) if len(known) == len(terms) else None
        return None

    def _reduce(self, found: Monomial) -> bool:
        """Take shares and sigmoids out of a product; whether there were any."""
        changed = False
        for count, base in list(found.factors.values()):
            if count >= 0:
                continue
            for _ in range(-count):
                if isinstance(base, Sum):
                    taken = self.shares.take(found, base)
                elif isinstance(base, Add):
                    taken = self._take_sigmoid(found, base)
                else:
                    taken = None
                if taken is None:
                    break
                self.definitions |= {each.name: each for each in self.shares.new}
                found.add_factor(base, 1)
                found.add_factor(taken, 1)
                changed = True
        return changed

    # -- two terms --------------------------------------------------------------------------

    def _pair(
        self, node: Expression
    ) -> tuple[tuple[Monomial, Expression], tuple[Monomial, Expression]] | None:
        """The two terms of a sum, each with its logarithm; None where one has none that is safe."""
        if not (isinstance(node, Add) and len(node.terms) == 2):
            return None
        both = []
        for term in node.terms:
            part = monomial(term, self.opened, self._with_shares)
            logarithm = self._log_of(part)
            if logarithm is None:
                return None
            both.append((part, logarithm))
        first, second = both
        return (first, second) if any(is_exposed(part.whole()) for part, _ in both) else None

    def _log_of(self, part: Monomial) -> Expression | None:
        """The logarithm of a product of exponentials, their sums, numbers and sizes."""
        if not all(is_positive(base) for _, base in part.factors.values()):
            return None
        terms = [part.shift()]
        for count, base in part.factors.values():
            terms.append(multiply(number(count), call("log", base)))
        return add(*terms)

    def _take_sigmoid(self, found: Monomial, base: Add) -> Expression | None:
        """Take one of the two terms out of the product; the sigmoid that it is over their sum."""
        pair = self._pair(base)
        if pair is None:
            return None
        for (part, mine), (_, other) in sorted(
            (pair, pair[::-1]), key=lambda each: not (each[0][0].exponent or each[0][0].factors)
        ):
            if found.holds(part):
                found.multiplied(part, -1)
                return call("sigmoid", _apart(mine, other))
        return None

    # -- logarithms -------------------------------------------------------------------------

    def _log(self, argument: Expression) -> Expression | None:
        """The logarithm of a product with exponentials in it, as a sum; None for all else."""
        if isinstance(argument, Call) and argument.function == "cosh":
            u = call("abs", self.rewrite(argument.arguments[0]))
            return add(u, call("softplus", multiply(number(-2), u)), negate(call("log", number(2))))
        found = monomial(argument, self.opened, self._with_shares)
        factors = [base for _, base in found.factors.values()]
        if not found.exponent and not any(is_exposed(base, self.opened) for base in factors):
            return None
        self._reduce(found)
        shift = found.shift()
        terms = [] if shift == number(0) else [shift]
        rest: list[Expression] = []
        for count, base in found.factors.values():
            pair = self._pair(base)
            if pair is not None:
                (_, one), (_, other) = pair
                logarithm = add(one, call("softplus", _apart(other, one)))
            elif is_positive(base) or _is_share(base, self.shares.names):
                logarithm = call("log", base)
            else:
                rest.append(power(base, count))
                continue
            terms.append(multiply(number(count), logarithm))
        if rest:
            whole = multiply(*rest)
            exposed = is_exposed(whole, self.opened)
            written = self._written_out(whole) if exposed else whole
            if not _is_total(written):
                written = whole if exposed else self.rewrite(whole)
            terms.append(call("log", written))
        return add(*terms)


def _apart(left: Expression, right: Expression) -> Expression:
    """The difference of two exponents, without what they have in common."""
    found = Monomial()
    found.add_exponent(left, Fraction(1))
    found.add_exponent(right, Fraction(-1))
    return found.shift()


def _is_share(node: Expression, shares: set[str]) -> bool:
    """Whether a factor is a share or a sigmoid, which are positive."""
    if isinstance(node, Call):
        return node.function == "sigmoid"
    return isinstance(node, Entry) and node.array in shares


def _difference(terms: Sequence[Expression]) -> Expression:
    """The sum of some terms; sigmoid(u) - sigmoid(-u) is tanh(u / 2)."""
    if len(terms) == 2:
        for one, other in (terms, terms[::-1]):
            if isinstance(one, Call) and one.function == "sigmoid":
                (u,) = one.arguments
                if same(other, negate(call("sigmoid", negate(u)))):
                    return call("tanh", divide(u, number(2)))
    return add(*terms)


def _is_total(node: Expression) -> bool:
    """Whether kernels take one largest exponent out of a sum: they know it as it is written here."""
    return parts_of(node) is not None or (isinstance(node, Sum) and is_exposed(node))


def _is_negative(exponent: Expression) -> bool:
    return isinstance(exponent, Number) and exponent.value < 0


__all__ = ["respelled"]
