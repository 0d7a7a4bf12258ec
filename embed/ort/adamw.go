package ort

// #cgo linux LDFLAGS: -lm
// #include "adamw.h"
import "C"

import (
	"fmt"
	"unsafe"

	binding "github.com/yalue/onnxruntime_go"
)

// The operator AdamW of the domain AdamWDomain is one optimiser step of the
// AdamW optimiser on one array, in one pass over the memory and in place: the one
// operator here that writes its inputs. A session has it where SessionOptions.AdamW
// says so, on the CPU.
//
// Its inputs are the parameter P, its moments M and V, and its gradient G, float32
// of equal size; AdamWScalars scalars a, s, e, o, cM, cV and cP; and one or more
// values of any type that must have been computed before, such as whatever is
// computed from P. With M' = a·M + G and V' = o·V + G² it writes
//
//	P ← cP·(P - s·M'/(√V' + e))    M ← cM·M'    V ← cV·V'
//
// rounding as the operators Mul, Add, Sqrt, Div and Sub do. The output is a bool,
// true: what must follow the step takes it as an input.
//
// P, M and V have to be memory that nothing else of the model writes, which is so
// for inputs of the model.
const (
	AdamWDomain  = C.ADAMW_DOMAIN
	AdamWOp      = "AdamW"
	AdamWScalars = C.ADAMW_SCALARS
)

// adamWDomain is what a session holds of the operator: the domain that it was
// registered in, nil where it was not.
type adamWDomain struct{ getAPIBase, domain unsafe.Pointer }

// registerAdamW makes the operator known to the sessions of options.
func registerAdamW(library string, options *binding.SessionOptions) (adamWDomain, error) {
	base, release, err := findAPIBase(library)
	if err != nil {
		return adamWDomain{}, err
	}
	defer release() // the process holds the library while it has sessions
	// The binding has no call for operators. Its options are a struct of one
	// pointer, to C's.
	c := *(*unsafe.Pointer)(unsafe.Pointer(options))
	domain := C.adamw_register(base, c)
	if domain == nil {
		return adamWDomain{}, fmt.Errorf("%s does not take the operator %s", library, AdamWOp)
	}
	return adamWDomain{base, domain}, nil
}

// free lets go of the domain, after the sessions that had it.
func (d adamWDomain) free() {
	if d.domain != nil {
		C.adamw_release(d.getAPIBase, d.domain)
	}
}
