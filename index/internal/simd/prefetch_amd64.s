//go:build amd64 && !noasm

#include "textflag.h"

// func prefetch(v *float32, lines int)
TEXT ·prefetch(SB), NOSPLIT, $0-16
	MOVQ v+0(FP), SI
	MOVQ lines+8(FP), CX

prefetchloop:
	PREFETCHT0 (SI)
	ADDQ       $64, SI
	DECQ       CX
	JNZ        prefetchloop
	RET
