"""Texts that try to be more than text, and names that mean something where they are written."""

from __future__ import annotations

#: What is put into titles, comments and documents, each in one line.
TEXTS = {
    "an import": '__import__("os").system("touch EVIL")',
    "the end of a docstring": '"""; import os; os.system("touch EVIL") #',
    "the end of one, escaped": '\\""" ; import os #',
    "a single docstring": "'''; import os #",
    "a backslash at the end": "EVIL \\",
    "the end of a comment in C": "*/ int EVIL(void) { return 1; } /*",
    "the end of one, spliced": "*\\/ int EVIL; // EVIL \\",
    "a trigraph": "?" + "?/ *?" + "?/ / int EVIL;",
    "input": r"\input{/etc/passwd}",
    "write18": r"\immediate\write18{touch EVIL}",
    "a caret": "^^5cinput{EVIL}",
    "the end of the document": r"\end{document}\input{EVIL}",
    "signs of TeX": "100% $EVIL$ #1 ~ & _ ^ { }",
    "a script": "<script>window.EVIL=1</script>",
    "an image": "<img src=x onerror='window.EVIL=1'>",
    "the end of an attribute": "\"'><svg onload=window.EVIL=1>",
    "the end of everything": "]]>--></style></title></pre></math><script>window.EVIL=1</script>",
    "a template": "{{ EVIL }} {% include 'EVIL' %} {# EVIL #}",
    "a template of ours": "((( EVIL ))) ((* include 'EVIL' *)) ((= EVIL =))",
    "a link": "see [EVIL](javascript:EVIL) ![EVIL](http://EVIL/x.png) <http://EVIL>",
    "a bare link": "http://EVIL.example www.EVIL.example EVIL@example.com",
    "signs of Markdown": "# EVIL | `x` **b** _c_ ~~d~~ | ---",
    "a workflow command": "::error file=EVIL::EVIL %0A::error::EVIL",
    "look-alikes": "ｅxp ﬁ ℯ ＜script＞ 𝚒mport",
    "a long one": "EVIL" * 1_500,
}  # fmt: skip
#: Letters that do not print: they turn print, hide, or steer a terminal.
STEERING = {
    "right-to-left override": "\u202e", "isolate": "\u2066", "zero width": "\u200b", "joiner": "\u200d",
    "null": "\0", "escape": "\x1b[31m", "a one-letter escape": "\x9b31m", "bell": "\a",
    "half a letter": "\ud800", "tag": "\U000e0041", "mark of order": "\ufeff", "soft hyphen": "\u00ad",
    "backspace": "\b", "the end of a display, as it is marked inside": "\x02\x02",
}  # fmt: skip
#: Names that the notation takes and that mean something in Python, NumPy, Numba, C, C++, a shell or a page.
NAMES = (
    "__import__", "__builtins__", "__class__", "__name__", "_", "__", "_x", "eval", "exec", "os", "sys",
    "np", "numpy", "njit", "numba", "math", "self", "lambda", "None", "True", "class", "print", "import",
    "int", "double", "restrict", "asm", "__asm__", "_Bool", "_Complex", "I", "main", "NULL", "errno",
    "__attribute__", "__FILE__", "__LINE__", "__cplusplus", "_OPENMP", "_Pragma", "define", "defined",
    "include", "EOF", "INFINITY", "NAN", "HUGE_VAL", "M_PI", "INT64_MAX", "UINT64_MAX", "PTRDIFF_MAX",
    "size_t", "ptrdiff_t", "int64_t", "y0", "j1", "unix", "linux", "malloc", "free", "exit", "memcpy",
    "omp_get_max_threads", "static_assert", "_Static_assert", "thread_local", "__func__", "f32_exp", "isnan",
    "dtype", "out", "work", "row", "threads", "write18", "begin", "end", "document", "script", "onload",
    "constructor", "__proto__", "queue", "threading", "models", "PLAIN", "plain", "x" * 300,
)  # fmt: skip
