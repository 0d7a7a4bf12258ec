//go:build amd64 && !noasm

#include "textflag.h"

// HSUM sums the lanes of Y into X.
#define HSUM(Y, X, T) \
	VEXTRACTF128 $1, Y, T; \
	VADDPS       T, X, X;  \
	VPERMILPS    $0x4E, X, T; \
	VADDPS       T, X, X;  \
	VPERMILPS    $0xB1, X, T; \
	VADDSS       T, X, X

// func sumsAVX2(out *[4]float32, q, m *float32, codes *byte, blocks int)
TEXT ·sumsAVX2(SB), NOSPLIT, $0-40
	MOVQ   out+0(FP), DI
	MOVQ   q+8(FP), SI
	MOVQ   m+16(FP), DX
	MOVQ   codes+24(FP), R8
	MOVQ   blocks+32(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7

sumsloop:
	VPMOVSXBD   (R8), Y8
	VPMOVSXBD   8(R8), Y9
	PREFETCHT0  2048(R8)
	VCVTDQ2PS   Y8, Y8
	VCVTDQ2PS   Y9, Y9
	VFMADD231PS (SI), Y8, Y0
	VFMADD231PS 32(SI), Y9, Y1
	VFMADD231PS (DX), Y8, Y2
	VFMADD231PS 32(DX), Y9, Y3
	VADDPS      Y8, Y4, Y4
	VADDPS      Y9, Y5, Y5
	VFMADD231PS Y8, Y8, Y6
	VFMADD231PS Y9, Y9, Y7
	ADDQ        $64, SI
	ADDQ        $64, DX
	ADDQ        $16, R8
	DECQ        CX
	JNZ         sumsloop
	VADDPS      Y1, Y0, Y0
	VADDPS      Y3, Y2, Y2
	VADDPS      Y5, Y4, Y4
	VADDPS      Y7, Y6, Y6
	HSUM(Y0, X0, X8)
	HSUM(Y2, X2, X8)
	HSUM(Y4, X4, X8)
	HSUM(Y6, X6, X8)
	VMOVSS      X0, (DI)
	VMOVSS      X2, 4(DI)
	VMOVSS      X4, 8(DI)
	VMOVSS      X6, 12(DI)
	VZEROUPPER
	RET
