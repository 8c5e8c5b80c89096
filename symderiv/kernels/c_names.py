"""Words that no name in an emitted C file may be: of C and C++, of their headers, of the file itself."""

from __future__ import annotations

_KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile
while _Bool _Complex _Imaginary
alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class compl concept
const_cast consteval constexpr constinit co_await co_return co_yield decltype delete dynamic_cast explicit
export false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected
public reinterpret_cast requires static_assert static_cast template this thread_local throw true try typeid
typename typeof using virtual wchar_t xor xor_eq
"""
_MATHEMATICS = """
acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp10 exp2 expm1 fabs fdim
floor fma fmax fmin fmod frexp gamma hypot ilogb j0 j1 jn ldexp lgamma llrint llround log log10 log1p log2
logb lrint lround modf nan nearbyint nextafter nexttoward pow pow10 remainder remquo rint round scalb scalbln
scalbn signbit significand sin sincos sinh sqrt tan tanh tgamma trunc y0 y1 yn drem finite
"""
_LIBRARY = """
abs abort atexit calloc div exit free index isfinite isgreater isinf isless isnan isnormal labs main malloc
memchr memcmp memcpy memmove memset printf puts realloc rindex signgam strlen time
errno linux near far unix assert complex imaginary I NAN NULL INFINITY HUGE_VAL EOF
alloca fpclassify isgreaterequal islessequal islessgreater isunordered math_errhandling offsetof signbit
HUGE_VALF HUGE_VALL RAND_MAX EXIT_FAILURE EXIT_SUCCESS MATH_ERRNO MATH_ERREXCEPT
FP_ILOGB0 FP_ILOGBNAN FP_INFINITE FP_NAN FP_NORMAL FP_SUBNORMAL FP_ZERO FP_FAST_FMA FP_FAST_FMAF
M_1_PI M_2_PI M_2_SQRTPI M_E M_LN10 M_LN2 M_LOG10E M_LOG2E M_PI M_PI_2 M_PI_4 M_SQRT1_2 M_SQRT2
size_t ptrdiff_t int32_t int64_t uint32_t uint64_t float_t double_t
"""
#: Names that the templates and the printer use.
OWN = """
lane first begin end again done work thread threads larger_place smaller_place
row start stop from to whole unit share stay_near place line part ahead end_of_streams places places_of_chunk
sample matrix total size
OMP FETCH FETCH_TO_WRITE FOR_LANES INLINED SHARED
F32_NARROW F64_NARROW F32_LANES F64_LANES F32_WIDE F64_WIDE F32_WIDEST F64_WIDEST
CHUNK LONG_ROW CHUNK_BYTES CHUNKS STREAMED FILLED FETCHED WRITTEN AHEAD
PART ROWS NEAR CACHED SHORT LANES GRAIN
VECTOR_BYTES ROUNDED_ONCE UNROLLED F32_VECTOR F64_VECTOR TILE DEPTH SHALLOW PANEL
FEW_ROWS FEW_TERMS FEW_PRODUCTS
"""

#: What the helpers of the file are called, behind f32_ or f64_.
_HELPERS = """
add_product at_least_lowest copy_columns cube digamma dot_products e_near_zero end_of_part erf erfc exp
exp_of_negative expm1 larger largest log log_gamma matrix_product narrow_tile power product product_of_copy
product_part product_rows relu sigmoid sign smaller smallest softplus square step stream tanh total vector
wide_tile
"""
#: The limits of whole numbers, which are macros: <stdint.h> and <limits.h>.
_LIMITS = (
    *(f"{sign}INT{kind}_{end}" for sign in ("", "U") for end in ("MAX", "MIN", "C")
      for kind in ("8", "16", "32", "64", "MAX", "PTR",
                   *(f"_{how}{bits}" for how in ("FAST", "LEAST") for bits in (8, 16, 32, 64)))),
    *(f"{kind}_{end}" for kind in ("PTRDIFF", "SIZE", "SIG_ATOMIC", "WCHAR", "WINT", "CHAR", "SCHAR", "SHRT",
                                   "INT", "LONG", "LLONG", "UCHAR", "USHRT", "UINT", "ULONG", "ULLONG")
      for end in ("MAX", "MIN")),
)  # fmt: skip

RESERVED = frozenset(
    (
        *_KEYWORDS.split(), *_LIBRARY.split(), *OWN.split(), *_LIMITS,
        *(name + suffix for name in _MATHEMATICS.split() for suffix in ("", "f", "l", "_r")),
        *(f"{dtype}_{name}" for name in _HELPERS.split() for dtype in ("f32", "f64")),
        *(f"{dtype}_{name}_{many}" for name in ("total", "product", "largest", "smallest")
          for many in ("narrow", "wide", "widest") for dtype in ("f32", "f64")),
    )
)  # fmt: skip
