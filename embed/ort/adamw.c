// The operator AdamW, see adamw.go. It is plain C behind ONNX Runtime's table of
// functions, so that no library has to be built or shipped beside the program.

#include "adamw.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

// Products are not contracted with sums: the results are then the same as from the
// operators Mul, Add, Sqrt, Div and Sub, bit for bit, on every machine.
#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// Places in the table OrtApi (onnxruntime_c_api.h). A place never changes: new
// functions are added at the end.
enum {
  CREATE_STATUS = 0,
  CREATE_DOMAIN = 26,
  ADD_OPERATOR = 27,
  ADD_DOMAIN = 28,
  TENSOR_DATA = 51,
  ELEMENT_COUNT = 64,
  TENSOR_INFO = 65,
  CONTEXT_INPUT = 90,
  CONTEXT_OUTPUT = 91,
  RELEASE_TENSOR_INFO = 99,
  RELEASE_DOMAIN = 101,
  PARALLEL_FOR = 274,
};

// The version of the C API that minVersion has, and the version of custom_op's
// layout, which later libraries still read.
enum { API_VERSION = 24, LAYOUT_VERSION = 16 };

typedef void status; // an OrtStatus, NULL for success
typedef void *const *table;

// The inputs: p, m, v, g, the scalars, and any number of values to wait for.
enum { P, M, V, G, SCALARS, WAIT, INPUTS };

enum { FLOAT = 1, BOOL = 9, ANY_TYPE = 0 }; // ONNXTensorElementDataType
enum { REQUIRED = 0, VARIADIC = 2 };        // OrtCustomOpInputOutputCharacteristic
enum { INVALID_ARGUMENT = 2 };              // OrtErrorCode

// The layout of OrtCustomOp up to version 16.
typedef struct custom_op {
  uint32_t version;
  void *(*create)(const struct custom_op *, const void *api, const void *info);
  const char *(*name)(const struct custom_op *);
  const char *(*provider)(const struct custom_op *);
  int (*input_type)(const struct custom_op *, size_t);
  size_t (*input_count)(const struct custom_op *);
  int (*output_type)(const struct custom_op *, size_t);
  size_t (*output_count)(const struct custom_op *);
  void (*compute)(void *, void *);
  void (*destroy)(void *);
  int (*input_kind)(const struct custom_op *, size_t);
  int (*output_kind)(const struct custom_op *, size_t);
  int (*input_memory)(const struct custom_op *, size_t);
  int (*variadic_min)(const struct custom_op *);
  int (*variadic_same)(const struct custom_op *);
  int (*variadic_output_min)(const struct custom_op *);
  int (*variadic_output_same)(const struct custom_op *);
  status *(*create_status)(const struct custom_op *, const void *api, const void *info, void **kernel);
  status *(*compute_status)(void *kernel, void *context);
  void *later[7];
} custom_op;

// One update: where the arrays are, how long they are, and the scalars.
typedef struct {
  float *p, *m, *v;
  const float *g, *scalar;
  size_t n;
} update;

// CHUNK elements are one piece of work for a thread: 16 Ki, 256 KiB of the four arrays.
enum { CHUNK = 1 << 14 };

// UPDATE defines the function name, which updates the elements from ≤ i < to. FLOATS
// is a float or a vector of floats, ROOT its square root; what does not fill a
// vector is left to rest. C's compilers make no vectors of sqrtf, which sets errno.
#define UPDATE(name, FLOATS, ROOT, rest)                                                       \
  static void name(const update *u, size_t from, size_t to) {                                  \
    const float decay = u->scalar[0], rate = u->scalar[1], eps = u->scalar[2];                 \
    const float open_v = u->scalar[3], close_m = u->scalar[4], close_v = u->scalar[5];         \
    const float close_p = u->scalar[6];                                                        \
    enum { WIDTH = sizeof(FLOATS) / sizeof(float) };                                           \
    size_t i = from;                                                                           \
    for (; i + WIDTH <= to; i += WIDTH) {                                                      \
      FLOATS *p = (FLOATS *)(u->p + i), *m = (FLOATS *)(u->m + i), *v = (FLOATS *)(u->v + i);  \
      const FLOATS g = *(const FLOATS *)(u->g + i);                                            \
      const FLOATS mean = *m * decay + g, square = *v * open_v + g * g;                        \
      *p = (*p - mean / (ROOT(square) + eps) * rate) * close_p;                                \
      *m = mean * close_m;                                                                     \
      *v = square * close_v;                                                                   \
    }                                                                                          \
    rest(u, i, to);                                                                            \
  }

static void no_rest(const update *u, size_t from, size_t to) {}

UPDATE(update_singly, float, sqrtf, no_rest)

#if defined(__x86_64__)
typedef float floats16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef float floats8 __attribute__((vector_size(32), aligned(4), may_alias));
__attribute__((target("avx512f"))) UPDATE(update_avx512, floats16, _mm512_sqrt_ps, update_singly)
__attribute__((target("avx"))) UPDATE(update_avx, floats8, _mm256_sqrt_ps, update_singly)
static void update_range(const update *u, size_t from, size_t to) {
  if (__builtin_cpu_supports("avx512f")) {
    update_avx512(u, from, to);
  } else if (__builtin_cpu_supports("avx")) {
    update_avx(u, from, to);
  } else {
    update_singly(u, from, to);
  }
}
#elif defined(__aarch64__)
typedef float floats4 __attribute__((vector_size(16), aligned(4), may_alias));
UPDATE(update_range, floats4, vsqrtq_f32, update_singly)
#else
#define update_range update_singly
#endif

static void update_chunk(void *data, size_t i) {
  const update *u = data;
  size_t from = i * CHUNK, to = from + CHUNK;
  update_range(u, from, to < u->n ? to : u->n);
}

// tensor finds the data and the number of elements of an input.
static status *tensor(table api, const void *context, size_t i, float **data, size_t *count) {
  const void *value = NULL;
  void *info = NULL;
  status *s = ((status * (*)(const void *, size_t, const void **)) api[CONTEXT_INPUT])(context, i, &value);
  if (!s) s = ((status * (*)(void *, void **)) api[TENSOR_DATA])((void *)value, (void **)data);
  if (!s) s = ((status * (*)(const void *, void **)) api[TENSOR_INFO])(value, &info);
  if (!s) s = ((status * (*)(const void *, size_t *)) api[ELEMENT_COUNT])(info, count);
  if (info) ((void (*)(void *))api[RELEASE_TENSOR_INFO])(info);
  return s;
}

static status *compute(void *kernel, void *context) {
  table api = kernel;
  float *data[WAIT];
  size_t count[WAIT];
  for (size_t i = 0; i < WAIT; i++) {
    status *s = tensor(api, context, i, &data[i], &count[i]);
    if (s) return s;
  }
  size_t n = count[P];
  if (count[M] != n || count[V] != n || count[G] != n || count[SCALARS] != ADAMW_SCALARS) {
    return ((status * (*)(int, const char *)) api[CREATE_STATUS])(
        INVALID_ARGUMENT, "AdamW: the parameter, its moments, its gradient or the scalars differ in size");
  }
  update u = {data[P], data[M], data[V], data[G], data[SCALARS], n};
  if (n <= CHUNK) {
    update_range(&u, 0, n);
  } else {
    status *s = ((status * (*)(const void *, void (*)(void *, size_t), size_t, size_t, void *)) api[PARALLEL_FOR])(
        context, update_chunk, (n + CHUNK - 1) / CHUNK, 0, &u);
    if (s) return s;
  }
  void *value = NULL;
  bool *done = NULL;
  int64_t scalar = 0;
  status *s = ((status * (*)(void *, size_t, const int64_t *, size_t, void **)) api[CONTEXT_OUTPUT])(context, 0, &scalar, 0, &value);
  if (!s) s = ((status * (*)(void *, void **)) api[TENSOR_DATA])(value, (void **)&done);
  if (!s) *done = true;
  return s;
}

static void *create(const custom_op *op, const void *api, const void *info) { return (void *)api; }
static status *create_status(const custom_op *op, const void *api, const void *info, void **kernel) {
  *kernel = (void *)api;
  return NULL;
}
static void destroy(void *kernel) {}
static void compute_void(void *kernel, void *context) { compute(kernel, context); }
static const char *name(const custom_op *op) { return "AdamW"; }
static const char *provider(const custom_op *op) { return NULL; } // the CPU
static int input_type(const custom_op *op, size_t i) { return i < WAIT ? FLOAT : ANY_TYPE; }
static size_t input_count(const custom_op *op) { return INPUTS; }
static int output_type(const custom_op *op, size_t i) { return BOOL; }
static size_t output_count(const custom_op *op) { return 1; }
static int input_kind(const custom_op *op, size_t i) { return i < WAIT ? REQUIRED : VARIADIC; }
static int output_kind(const custom_op *op, size_t i) { return REQUIRED; }
static int zero(const custom_op *op) { return 0; }
static int one(const custom_op *op) { return 1; }
static int input_memory(const custom_op *op, size_t i) { return 0; }

static const custom_op adamw = {
    LAYOUT_VERSION, create, name, provider, input_type, input_count, output_type, output_count, compute_void,
    destroy, input_kind, output_kind, input_memory, one, zero, one, zero, create_status, compute, {0},
};

// api_of returns the table of the library that get_api_base was found in.
static table api_of(void *get_api_base) {
  typedef struct {
    table (*get_api)(uint32_t version);
  } base;
  return ((const base *(*)(void))get_api_base)()->get_api(API_VERSION);
}

void *adamw_register(void *get_api_base, void *options) {
  table api = api_of(get_api_base);
  void *domain = NULL;
  if (!api || ((status * (*)(const char *, void **)) api[CREATE_DOMAIN])(ADAMW_DOMAIN, &domain)) return NULL;
  if (((status * (*)(void *, const void *)) api[ADD_OPERATOR])(domain, &adamw) ||
      ((status * (*)(void *, void *)) api[ADD_DOMAIN])(options, domain)) {
    adamw_release(get_api_base, domain);
    return NULL;
  }
  return domain;
}

void adamw_release(void *get_api_base, void *domain) {
  ((void (*)(void *))api_of(get_api_base)[RELEASE_DOMAIN])(domain);
}
