"""The shape of the house: imports go down, nothing evaluates text, start-up stays light."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "symderiv"
MODULES = sorted(PACKAGE.rglob("*.py"))
#: The floor of each room; a module may import from its own floor and from those below.
FLOORS = {
    "__main__": 8, "api": 8, "cli": 8, "notebook": 8, "arguments": 8, "request": 8,
    "serve": 8,
    "build": 7, "bench": 7,
    "documents": 6, "check": 6,
    "kernels": 5,
    "proof": 4, "witness": 4,
    "calculus": 3,
    "catalog": 2, "problem": 2,
    "notation": 1,
    "expression": 0, "resources": 0, "system": 0,
}  # fmt: skip
#: A parser builds a `Problem`, so notation may look one floor up, at this one module.
ALLOWED_UP = {("notation", "problem")}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> set[str]:
    """Every module that a file imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_imported(tree: ast.AST) -> set[str]:
    parts = [name.split(".") for name in imported(tree)]
    return {part[1] for part in parts if part[0] == "symderiv" and len(part) > 1 and part[1] in FLOORS}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_go_down(path: Path) -> None:
    here = room(path)
    if here == "__init__":  # the public face re-exports, lazily, from every floor
        return
    assert here in FLOORS, f"{path} stands in no room: give it a floor"
    for other in rooms_imported(ast.parse(path.read_text())):
        down = FLOORS[other] <= FLOORS[here]
        assert down or (here, other) in ALLOWED_UP, f"{here} imports {other}, which is above it"


def test_the_import_rule_notices_a_climb() -> None:
    tree = ast.parse("def f():\n    from symderiv.kernels.emit import emit\nimport symderiv.proof")
    assert rooms_imported(tree) == {"kernels", "proof"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_text_is_never_evaluated(path: Path) -> None:
    forbidden = {"eval", "exec", "sympify", "parse_expr", "parse_latex", "compile"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
            # `re.compile` and `Template.compile` do not run text; the builtins do.
            if isinstance(function, ast.Attribute) and name in ("compile", "eval", "exec"):
                continue
            assert name not in forbidden, f"{path}:{node.lineno} calls {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_the_bridge_imports_sympy(path: Path) -> None:
    uses = any(name.split(".")[0] == "sympy" for name in imported(ast.parse(path.read_text())))
    bridge = path.stem.startswith("sympy_bridge") or path.parent.name == "sympy_bridge"
    assert bridge or not uses, f"{path} imports SymPy; only the bridge may"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["build", "--help"], ["list"]])
def test_start_up_is_light(arguments: list[str]) -> None:
    """What `--help` imports is what its user waits for."""
    heavy = ["sympy", "numpy", "numba", "jinja2", "mpmath", "rich.traceback"]
    if arguments != ["list"]:
        heavy += ["lark", "rich", "symderiv.calculus", "symderiv.kernels", "symderiv.documents"]
    code = (
        "import json, sys\n"
        "from symderiv.cli import main\n"
        f"sys.argv = ['symderiv', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"sys.stderr.write(json.dumps([name for name in {heavy!r} if name in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr.splitlines()[-1]) == []
    assert done.stdout.strip()
