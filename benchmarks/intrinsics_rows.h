/* The kernels, in the words that intrinsics.c defines for a dtype. Rows go in vectors of W; four at a time
   where they are long, so that sums and maxima do not wait for each other; what is left over is masked.
   Rows of at most SHORT entries stand side by side, W of them, a vector for each place. */

#define V F(V)
#define W F(WIDTH)

static inline V F(largest_of)(const REAL *z, ptrdiff_t K, REAL *m)
{
    V a = OP(set1)((REAL)-INFINITY), b = a, c = a, d = a;
    ptrdiff_t k = 0;
    for (; k + 4 * W <= K; k += 4 * W) {
        a = OP(max)(a, OP(loadu)(z + k));
        b = OP(max)(b, OP(loadu)(z + k + W));
        c = OP(max)(c, OP(loadu)(z + k + 2 * W));
        d = OP(max)(d, OP(loadu)(z + k + 3 * W));
    }
    for (; k + W <= K; k += W)
        a = OP(max)(a, OP(loadu)(z + k));
    if (k < K)
        b = OP(max)(b, LOAD_FIRST(b, K - k, z + k));
    *m = LARGEST(OP(max)(OP(max)(a, b), OP(max)(c, d)));
    return OP(set1)(*m);
}

static inline REAL F(exponentials)(const REAL *z, ptrdiff_t K, V m, REAL *e)
{
    V a = OP(setzero)(), b = a, c = a, d = a;
    ptrdiff_t k = 0;
    for (; k + 4 * W <= K; k += 4 * W) {
        const V p = F(exp)(OP(sub)(OP(loadu)(z + k), m));
        const V q = F(exp)(OP(sub)(OP(loadu)(z + k + W), m));
        const V r = F(exp)(OP(sub)(OP(loadu)(z + k + 2 * W), m));
        const V s = F(exp)(OP(sub)(OP(loadu)(z + k + 3 * W), m));
        OP(storeu)(e + k, p);
        OP(storeu)(e + k + W, q);
        OP(storeu)(e + k + 2 * W, r);
        OP(storeu)(e + k + 3 * W, s);
        a = OP(add)(a, p);
        b = OP(add)(b, q);
        c = OP(add)(c, r);
        d = OP(add)(d, s);
    }
    for (; k + W <= K; k += W) {
        const V p = F(exp)(OP(sub)(OP(loadu)(z + k), m));
        OP(storeu)(e + k, p);
        a = OP(add)(a, p);
    }
    if (k < K) {
        const V p = F(exp)(OP(sub)(LOAD_FIRST(m, K - k, z + k), m));
        STORE_FIRST(e + k, K - k, p);
        b = OP(add)(b, KEEP_FIRST(K - k, p));
    }
    return SUM(OP(add)(OP(add)(a, b), OP(add)(c, d)));
}

static inline void F(scaled)(const REAL *e, ptrdiff_t K, REAL by, REAL *out, int stream)
{
    const V factor = OP(set1)(by);
    ptrdiff_t k = 0;
    if (stream) {
        const ptrdiff_t before = (ptrdiff_t)(-((uintptr_t)out / sizeof(REAL)) % W);
        if (before && before <= K) {
            STORE_FIRST(out, before, OP(mul)(factor, LOAD_FIRST(factor, before, e)));
            k = before;
        }
        for (; k + W <= K; k += W)
            OP(stream)(out + k, OP(mul)(factor, OP(loadu)(e + k)));
    }
    for (; k + W <= K; k += W)
        OP(storeu)(out + k, OP(mul)(factor, OP(loadu)(e + k)));
    if (k < K)
        STORE_FIRST(out + k, K - k, OP(mul)(factor, LOAD_FIRST(factor, K - k, e + k)));
}

/* Exponentials of W short rows, and what they have to be multiplied with. */
static inline void F(short_exponentials)(const REAL *z, ptrdiff_t K, V *e, V *m, V *s)
{
    const F(P) places = EVERY(K);
    *m = OP(set1)((REAL)-INFINITY);
    for (ptrdiff_t k = 0; k < K; k++) {
        e[k] = GATHER(places, z + k);
        *m = OP(max)(*m, e[k]);
    }
    *s = OP(setzero)();
    for (ptrdiff_t k = 0; k < K; k++) {
        e[k] = F(exp)(OP(sub)(e[k], *m));
        *s = OP(add)(*s, e[k]);
    }
}

static inline void F(short_rows_out)(const V *e, ptrdiff_t K, V factor, REAL *out)
{
    REAL block[SHORT][W];
    for (ptrdiff_t k = 0; k < K; k++)
        OP(storeu)(block[k], OP(mul)(factor, e[k]));
    for (ptrdiff_t row = 0; row < W; row++)
        for (ptrdiff_t k = 0; k < K; k++)
            out[row * K + k] = block[k][row];
}

void F(hand_softmax)(
    ptrdiff_t B, ptrdiff_t K, const REAL *restrict z, REAL *restrict out, REAL *restrict work)
{
    const int stream = (size_t)(B * K) * sizeof(REAL) > STREAM_BYTES;
    ptrdiff_t b = 0;
    for (; K <= SHORT && b + W <= B; b += W) {
        V e[SHORT], m, s;
        F(short_exponentials)(z + b * K, K, e, &m, &s);
        F(short_rows_out)(e, K, OP(div)(OP(set1)(1), s), out + b * K);
    }
    for (; b < B; b++) {
        REAL m;
        const V shift = F(largest_of)(z + b * K, K, &m);
        REAL *e = stream ? work : out + b * K;
        const REAL s = F(exponentials)(z + b * K, K, shift, e);
        F(scaled)(e, K, (REAL)1 / s, out + b * K, stream);
    }
    if (stream)
        _mm_sfence();
}

void F(hand_softmax_vjp)(
    ptrdiff_t B, ptrdiff_t K, const REAL *restrict p, const REAL *restrict g, REAL *restrict dz)
{
    const int stream = (size_t)(B * K) * sizeof(REAL) > STREAM_BYTES;
    for (ptrdiff_t row = 0; row < B; row++, p += K, g += K, dz += K) {
        V a = OP(setzero)(), b = a, c = a, d = a;
        ptrdiff_t k = 0;
        for (; k + 4 * W <= K; k += 4 * W) {
            a = OP(fmadd)(OP(loadu)(p + k), OP(loadu)(g + k), a);
            b = OP(fmadd)(OP(loadu)(p + k + W), OP(loadu)(g + k + W), b);
            c = OP(fmadd)(OP(loadu)(p + k + 2 * W), OP(loadu)(g + k + 2 * W), c);
            d = OP(fmadd)(OP(loadu)(p + k + 3 * W), OP(loadu)(g + k + 3 * W), d);
        }
        for (; k + W <= K; k += W)
            a = OP(fmadd)(OP(loadu)(p + k), OP(loadu)(g + k), a);
        const V zero = OP(setzero)();
        if (k < K)
            b = OP(fmadd)(LOAD_FIRST(zero, K - k, p + k), LOAD_FIRST(zero, K - k, g + k), b);
        const V inner = OP(set1)(SUM(OP(add)(OP(add)(a, b), OP(add)(c, d))));
        k = 0;
        if (stream) {
            const ptrdiff_t before = (ptrdiff_t)(-((uintptr_t)dz / sizeof(REAL)) % W);
            if (before && before <= K) {
                const V centred = OP(sub)(LOAD_FIRST(zero, before, g), inner);
                STORE_FIRST(dz, before, OP(mul)(LOAD_FIRST(zero, before, p), centred));
                k = before;
            }
            for (; k + W <= K; k += W)
                OP(stream)(dz + k, OP(mul)(OP(loadu)(p + k), OP(sub)(OP(loadu)(g + k), inner)));
        }
        for (; k + W <= K; k += W)
            OP(storeu)(dz + k, OP(mul)(OP(loadu)(p + k), OP(sub)(OP(loadu)(g + k), inner)));
        if (k < K) {
            const V centred = OP(sub)(LOAD_FIRST(zero, K - k, g + k), inner);
            STORE_FIRST(dz + k, K - k, OP(mul)(LOAD_FIRST(zero, K - k, p + k), centred));
        }
    }
    if (stream)
        _mm_sfence();
}

int F(hand_cross_entropy)(
    ptrdiff_t B, ptrdiff_t K, const REAL *restrict z, const int64_t *restrict y, REAL weight,
    REAL *restrict losses, REAL *restrict dz, REAL *restrict work)
{
    for (ptrdiff_t b = 0; b < B; b++)
        if (y[b] < 0 || y[b] >= K)
            return 1;
    const int stream = (size_t)(B * K) * sizeof(REAL) > STREAM_BYTES;
    ptrdiff_t b = 0;
    for (; K <= SHORT && b + W <= B; b += W) {
        V e[SHORT], m, s;
        REAL largest[W], sums[W], at_label[W];
        F(short_exponentials)(z + b * K, K, e, &m, &s);
        OP(storeu)(largest, m);
        OP(storeu)(sums, s);
        for (ptrdiff_t row = 0; row < W; row++) {
            losses[b + row] = LOG(sums[row]) + (largest[row] - z[(b + row) * K + y[b + row]]);
            at_label[row] = weight * (((REAL *)&e[y[b + row]])[row] / sums[row] - 1);
        }
        F(short_rows_out)(e, K, OP(div)(OP(set1)(weight), s), dz + b * K);
        for (ptrdiff_t row = 0; row < W; row++)
            dz[(b + row) * K + y[b + row]] = at_label[row];
    }
    for (; b < B; b++) {
        REAL m;
        const V shift = F(largest_of)(z + b * K, K, &m);
        REAL *e = stream ? work : dz + b * K;
        const REAL s = F(exponentials)(z + b * K, K, shift, e);
        losses[b] = LOG(s) + (m - z[b * K + y[b]]);
        const REAL at_label = weight * (e[y[b]] / s - 1);
        F(scaled)(e, K, weight / s, dz + b * K, stream);
        dz[b * K + y[b]] = at_label;
    }
    if (stream)
        _mm_sfence();
    return 0;
}

void F(hand_layer_norm)(ptrdiff_t B, ptrdiff_t K, const REAL *restrict x, REAL eps, REAL *restrict out)
{
    const int stream = (size_t)(B * K) * sizeof(REAL) > STREAM_BYTES;
    const V zero = OP(setzero)();
    ptrdiff_t done = 0;
    for (; K <= SHORT && done + W <= B; done += W, x += W * K, out += W * K) {
        const F(P) places = EVERY(K);
        V e[SHORT], sum = zero, squares = zero;
        for (ptrdiff_t k = 0; k < K; k++) {
            e[k] = GATHER(places, x + k);
            sum = OP(add)(sum, e[k]);
        }
        const V mean = OP(div)(sum, OP(set1)((REAL)K));
        for (ptrdiff_t k = 0; k < K; k++) {
            e[k] = OP(sub)(e[k], mean);
            squares = OP(fmadd)(e[k], e[k], squares);
        }
        const V spread = OP(sqrt)(OP(add)(OP(div)(squares, OP(set1)((REAL)K)), OP(set1)(eps)));
        F(short_rows_out)(e, K, OP(div)(OP(set1)(1), spread), out);
    }
    for (; done < B; done++, x += K, out += K) {
        V a = zero, b = zero, c = zero, d = zero;
        ptrdiff_t k = 0;
        for (; k + 4 * W <= K; k += 4 * W) {
            a = OP(add)(OP(loadu)(x + k), a);
            b = OP(add)(OP(loadu)(x + k + W), b);
            c = OP(add)(OP(loadu)(x + k + 2 * W), c);
            d = OP(add)(OP(loadu)(x + k + 3 * W), d);
        }
        for (; k + W <= K; k += W)
            a = OP(add)(OP(loadu)(x + k), a);
        if (k < K)
            b = OP(add)(LOAD_FIRST(zero, K - k, x + k), b);
        const V mean = OP(set1)(SUM(OP(add)(OP(add)(a, b), OP(add)(c, d))) / (REAL)K);
        a = b = c = d = zero;
        k = 0;
        for (; k + 4 * W <= K; k += 4 * W) {
            const V p = OP(sub)(OP(loadu)(x + k), mean), q = OP(sub)(OP(loadu)(x + k + W), mean);
            const V r = OP(sub)(OP(loadu)(x + k + 2 * W), mean), s = OP(sub)(OP(loadu)(x + k + 3 * W), mean);
            a = OP(fmadd)(p, p, a);
            b = OP(fmadd)(q, q, b);
            c = OP(fmadd)(r, r, c);
            d = OP(fmadd)(s, s, d);
        }
        for (; k + W <= K; k += W) {
            const V p = OP(sub)(OP(loadu)(x + k), mean);
            a = OP(fmadd)(p, p, a);
        }
        if (k < K) {
            const V p = OP(sub)(LOAD_FIRST(mean, K - k, x + k), mean);
            b = OP(fmadd)(p, p, b);
        }
        const REAL variance = SUM(OP(add)(OP(add)(a, b), OP(add)(c, d))) / (REAL)K;
        const V factor = OP(set1)((REAL)1 / SQRT(variance + eps));
        k = 0;
        if (stream) {
            const ptrdiff_t before = (ptrdiff_t)(-((uintptr_t)out / sizeof(REAL)) % W);
            if (before && before <= K) {
                STORE_FIRST(out, before, OP(mul)(OP(sub)(LOAD_FIRST(mean, before, x), mean), factor));
                k = before;
            }
            for (; k + W <= K; k += W)
                OP(stream)(out + k, OP(mul)(OP(sub)(OP(loadu)(x + k), mean), factor));
        }
        for (; k + W <= K; k += W)
            OP(storeu)(out + k, OP(mul)(OP(sub)(OP(loadu)(x + k), mean), factor));
        if (k < K)
            STORE_FIRST(out + k, K - k, OP(mul)(OP(sub)(LOAD_FIRST(mean, K - k, x + k), mean), factor));
    }
    if (stream)
        _mm_sfence();
}

#undef V
#undef W
