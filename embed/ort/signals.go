package ort

// #include <signal.h>
//
// #define SIGNALS 65
//
// typedef struct { struct sigaction action; int known; } handler;
//
// static void save_handlers(handler *h) {
//   for (int i = 1; i < SIGNALS; i++) h[i].known = sigaction(i, 0, &h[i].action) == 0;
// }
//
// static void restore_handlers(const handler *h) {
//   for (int i = 1; i < SIGNALS; i++) if (h[i].known) sigaction(i, &h[i].action, 0);
// }
import "C"

import "sync"

// signals is held from save to restore, so that no thread saves what another one
// is about to put right.
var signals sync.Mutex

// keepSignals runs f and then puts the handlers of all signals back as they
// were. CUDA installs handlers that lack SA_ONSTACK, with which the next signal
// would crash a Go program instead of interrupting it.
func keepSignals(f func() error) error {
	signals.Lock()
	defer signals.Unlock()
	var saved [C.SIGNALS]C.handler
	C.save_handlers(&saved[0])
	defer C.restore_handlers(&saved[0])
	return f()
}
