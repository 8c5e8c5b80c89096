/* Softmax, its vector-Jacobian product, cross-entropy with its gradient and LayerNorm, written by hand with
   intrinsics: what a programmer who knows the machine would write for it. `intrinsics.py` times emitted C
   beside them. The kernels stand in intrinsics_rows.h; here are the words they are written in, for 16 floats
   or 8 doubles with AVX-512, for 8 floats or 4 doubles with AVX2 and FMA. */

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SHORT = 32,            /* rows that are not longer stand side by side */
    STREAM_BYTES = 1 << 23 /* results that are larger go past the caches */
};

/* -- float ------------------------------------------------------------------------------------------- */

#define REAL float
#define F(name) name##_f32
#define LOG logf
#define SQRT sqrtf
#ifdef __AVX512F__
enum { WIDTH_f32 = 16 };
typedef __m512 V_f32;
typedef __m512i P_f32;
#define OP(name) _mm512_##name##_ps
#define FIRST(n) ((__mmask16)((1u << (n)) - 1))
#define LOAD_FIRST(fill, n, p) _mm512_mask_loadu_ps(fill, FIRST(n), p)
#define STORE_FIRST(p, n, v) _mm512_mask_storeu_ps(p, FIRST(n), v)
#define KEEP_FIRST(n, v) _mm512_maskz_mov_ps(FIRST(n), v)
#define SUM(v) _mm512_reduce_add_ps(v)
#define LARGEST(v) _mm512_reduce_max_ps(v)
#define EVERY(K) \
    _mm512_mullo_epi32(                                                                       \
        _mm512_set1_epi32((int)(K)),                                                          \
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#define GATHER(places, p) _mm512_i32gather_ps(places, p, 4)
static inline __m512 exp_f32(__m512 x)
{
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-0.693145752f), x);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(-1.42860677e-6f), r);
    __m512 p = _mm512_set1_ps(1.40612455e-3f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.37901131e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.16647773e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.66663654e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.00000043e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.00000005f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, n);
}
#else
enum { WIDTH_f32 = 8 };
typedef __m256 V_f32;
typedef __m256i P_f32;
#define OP(name) _mm256_##name##_ps
#define FIRST(n) _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define LOAD_FIRST(fill, n, p) \
    _mm256_blendv_ps(fill, _mm256_maskload_ps(p, FIRST(n)), _mm256_castsi256_ps(FIRST(n)))
#define STORE_FIRST(p, n, v) _mm256_maskstore_ps(p, FIRST(n), v)
#define KEEP_FIRST(n, v) _mm256_and_ps(v, _mm256_castsi256_ps(FIRST(n)))
#define SUM(v) vector_sum_f32(v)
#define LARGEST(v) vector_largest_f32(v)
#define EVERY(K) _mm256_mullo_epi32(_mm256_set1_epi32((int)(K)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define GATHER(places, p) _mm256_i32gather_ps(p, places, 4)
static inline float vector_sum_f32(__m256 v)
{
    __m128 h = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    h = _mm_add_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_add_ss(h, _mm_movehdup_ps(h)));
}
static inline float vector_largest_f32(__m256 v)
{
    __m128 h = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    h = _mm_max_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_max_ss(h, _mm_movehdup_ps(h)));
}
static inline __m256 exp_f32(__m256 x)
{
    const __m256 magic = _mm256_set1_ps(12583039.0f);
    const __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(1.44269504f), magic);
    const __m256 n = _mm256_sub_ps(shifted, magic);
    __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-0.693145752f), x);
    r = _mm256_fmadd_ps(n, _mm256_set1_ps(-1.42860677e-6f), r);
    __m256 p = _mm256_set1_ps(1.40612455e-3f);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(8.37901131e-3f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(4.16647773e-2f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.66663654e-1f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(5.00000043e-1f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.00000005f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    p = _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23)));
    return _mm256_andnot_ps(_mm256_cmp_ps(x, _mm256_set1_ps(-87.0f), _CMP_LT_OQ), p);
}
#endif
#include "intrinsics_rows.h"

#undef REAL
#undef F
#undef LOG
#undef SQRT
#undef OP
#undef FIRST
#undef LOAD_FIRST
#undef STORE_FIRST
#undef KEEP_FIRST
#undef SUM
#undef LARGEST
#undef EVERY
#undef GATHER

/* -- double ------------------------------------------------------------------------------------------ */

#define REAL double
#define F(name) name##_f64
#define LOG log
#define SQRT sqrt
#ifdef __AVX512F__
enum { WIDTH_f64 = 8 };
typedef __m512d V_f64;
typedef __m256i P_f64;
#define OP(name) _mm512_##name##_pd
#define FIRST(n) ((__mmask8)((1u << (n)) - 1))
#define LOAD_FIRST(fill, n, p) _mm512_mask_loadu_pd(fill, FIRST(n), p)
#define STORE_FIRST(p, n, v) _mm512_mask_storeu_pd(p, FIRST(n), v)
#define KEEP_FIRST(n, v) _mm512_maskz_mov_pd(FIRST(n), v)
#define SUM(v) _mm512_reduce_add_pd(v)
#define LARGEST(v) _mm512_reduce_max_pd(v)
#define EVERY(K) _mm256_mullo_epi32(_mm256_set1_epi32((int)(K)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define GATHER(places, p) _mm512_i32gather_pd(places, p, 8)
static inline __m512d exp_f64(__m512d x)
{
    const __m512d n = _mm512_roundscale_pd(_mm512_mul_pd(x, _mm512_set1_pd(1.4426950408889634)), 8);
    __m512d r = _mm512_fmadd_pd(n, _mm512_set1_pd(-0.6931471803691238), x);
    r = _mm512_fmadd_pd(n, _mm512_set1_pd(-1.9082149292705877e-10), r);
    __m512d p = _mm512_set1_pd(2.2981160406137696e-8);
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(2.7626295803562262e-7));
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(2.7564255431791713e-6));
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(2.4801504513334378e-5));
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(1.9841261490803038e-4));
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(1.3888888932338380e-3));
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(8.3333333377157443e-3));
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(4.1666666666573646e-2));
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(1.6666666666657302e-1));
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(5.0000000000000056e-1));
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(1.0000000000000006));
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(1.0));
    return _mm512_scalef_pd(p, n);
}
#else
enum { WIDTH_f64 = 4 };
typedef __m256d V_f64;
typedef __m128i P_f64;
#define OP(name) _mm256_##name##_pd
#define FIRST(n) _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3))
#define LOAD_FIRST(fill, n, p) \
    _mm256_blendv_pd(fill, _mm256_maskload_pd(p, FIRST(n)), _mm256_castsi256_pd(FIRST(n)))
#define STORE_FIRST(p, n, v) _mm256_maskstore_pd(p, FIRST(n), v)
#define KEEP_FIRST(n, v) _mm256_and_pd(v, _mm256_castsi256_pd(FIRST(n)))
#define SUM(v) vector_sum_f64(v)
#define LARGEST(v) vector_largest_f64(v)
#define EVERY(K) _mm_mullo_epi32(_mm_set1_epi32((int)(K)), _mm_setr_epi32(0, 1, 2, 3))
#define GATHER(places, p) _mm256_i32gather_pd(p, places, 8)
static inline double vector_sum_f64(__m256d v)
{
    const __m128d h = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(h, _mm_unpackhi_pd(h, h)));
}
static inline double vector_largest_f64(__m256d v)
{
    const __m128d h = _mm_max_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_max_sd(h, _mm_unpackhi_pd(h, h)));
}
static inline __m256d exp_f64(__m256d x)
{
    const __m256d magic = _mm256_set1_pd(6755399441056767.0);
    const __m256d shifted = _mm256_fmadd_pd(x, _mm256_set1_pd(1.4426950408889634), magic);
    const __m256d n = _mm256_sub_pd(shifted, magic);
    __m256d r = _mm256_fmadd_pd(n, _mm256_set1_pd(-0.6931471803691238), x);
    r = _mm256_fmadd_pd(n, _mm256_set1_pd(-1.9082149292705877e-10), r);
    __m256d p = _mm256_set1_pd(2.2981160406137696e-8);
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(2.7626295803562262e-7));
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(2.7564255431791713e-6));
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(2.4801504513334378e-5));
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(1.9841261490803038e-4));
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(1.3888888932338380e-3));
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(8.3333333377157443e-3));
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(4.1666666666573646e-2));
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(1.6666666666657302e-1));
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(5.0000000000000056e-1));
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(1.0000000000000006));
    p = _mm256_fmadd_pd(p, r, _mm256_set1_pd(1.0));
    p = _mm256_mul_pd(p, _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(shifted), 52)));
    return _mm256_andnot_pd(_mm256_cmp_pd(x, _mm256_set1_pd(-708.0), _CMP_LT_OQ), p);
}
#endif
#include "intrinsics_rows.h"
