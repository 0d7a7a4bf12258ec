// What adamw.go calls of adamw.c.

#include <stdint.h>

#define ADAMW_DOMAIN "engram"
#define ADAMW_SCALARS 7

// adamw_register adds the operator to an OrtSessionOptions and returns its domain,
// an OrtCustomOpDomain that has to outlive the sessions; NULL where the library
// refuses it. get_api_base is the library's OrtGetApiBase.
void *adamw_register(void *get_api_base, void *options);
void adamw_release(void *get_api_base, void *domain);
