//go:build amd64 && !noasm

#include "textflag.h"

// Registers of both score functions:
//	DI out   SI q   DX rows   R8 n   R9 scales   R10 ids   R11 ids left
//	R12 position in q   R13 position in the row   CX position in the row to
//	prefetch   BX bytes left   AX scratch

// ahead is how many rows are prefetched before they are multiplied.
#define ahead 3

// ARGUMENTS loads what both functions take.
#define ARGUMENTS \
	MOVQ out+0(FP), DI     \
	MOVQ q+8(FP), SI       \
	MOVQ rows+16(FP), DX   \
	MOVQ n+24(FP), R8      \
	MOVQ scales+32(FP), R9 \
	MOVQ ids+40(FP), R10   \
	MOVQ count+48(FP), R11

// SCORE adds up the eight sums of Y0, writes the sum times the scale in X3, and goes to
// the next row. It destroys X1. The flags are from the number of rows left.
#define SCORE \
	VEXTRACTI128 $1, Y0, X1     \
	VPADDD       X1, X0, X0     \
	VPSHUFD      $0x4E, X0, X1  \
	VPADDD       X1, X0, X0     \
	VPSHUFD      $0xB1, X0, X1  \
	VPADDD       X1, X0, X0     \
	VCVTDQ2PS    X0, X0         \
	VMULSS       X3, X0, X0     \
	VMOVSS       X0, (DI)       \
	ADDQ         $4, DI         \
	ADDQ         $4, R10        \
	DECQ         R11

// func scoreGatheredVNNI(out *float32, q, rows *int8, n int, scales *float32, ids *uint32, count int)
TEXT ·scoreGatheredVNNI(SB), NOSPLIT, $0-56
	ARGUMENTS

	// The first rows are prefetched at once.
	XORQ R12, R12

vnnifirst:
	CMPQ R12, $ahead
	JGE  vnniready
	CMPQ R12, R11
	JGE  vnniready
	MOVL (R10)(R12*4), CX
	PREFETCHT0 (R9)(CX*4)
	IMULQ R8, CX
	ADDQ DX, CX
	MOVQ R8, BX

vnnifirstline:
	PREFETCHT0 (CX)
	ADDQ $64, CX
	SUBQ $64, BX
	JNZ  vnnifirstline
	INCQ R12
	JMP  vnnifirst

vnniready:
	// Z31: the sign bits. Z30: minus 128 times the sum of q, in one lane after the
	// reduction below, which begins each sum.
	MOVL         $0x80808080, AX
	VPBROADCASTD AX, Z31
	VPXORQ       Z30, Z30, Z30
	MOVQ         SI, R12
	MOVQ         R8, BX

vnniq:
	VMOVDQU64 (R12), Z4
	VPDPBUSD  Z4, Z31, Z30
	ADDQ      $64, R12
	SUBQ      $64, BX
	JNZ       vnniq
	VPXORQ    Z0, Z0, Z0
	VPSUBD    Z30, Z0, Z30

vnnirow:
	MOVL  (R10), R13
	MOVL  (R9)(R13*4), AX
	VMOVD AX, X3
	IMULQ R8, R13
	ADDQ  DX, R13
	MOVQ  R13, CX
	CMPQ  R11, $ahead
	JLE   vnninoahead
	MOVL  (4*ahead)(R10), CX
	PREFETCHT0 (R9)(CX*4)
	IMULQ R8, CX
	ADDQ  DX, CX

vnninoahead:
	MOVQ      SI, R12
	MOVQ      R8, BX
	VMOVDQA64 Z30, Z0
	VPXORQ    Z1, Z1, Z1
	SUBQ      $256, BX
	JLT       vnnirest

vnniloop:
	PREFETCHT0 (CX)
	PREFETCHT0 64(CX)
	PREFETCHT0 128(CX)
	PREFETCHT0 192(CX)
	VPXORQ     (R13), Z31, Z4
	VPXORQ     64(R13), Z31, Z5
	VPXORQ     128(R13), Z31, Z6
	VPXORQ     192(R13), Z31, Z7
	VPDPBUSD   (R12), Z4, Z0
	VPDPBUSD   64(R12), Z5, Z1
	VPDPBUSD   128(R12), Z6, Z0
	VPDPBUSD   192(R12), Z7, Z1
	ADDQ       $256, R12
	ADDQ       $256, R13
	ADDQ       $256, CX
	SUBQ       $256, BX
	JGE        vnniloop

vnnirest:
	ADDQ $256, BX
	JZ   vnnisum

vnnirest64:
	PREFETCHT0 (CX)
	VPXORQ     (R13), Z31, Z4
	VPDPBUSD   (R12), Z4, Z0
	ADDQ       $64, R12
	ADDQ       $64, R13
	ADDQ       $64, CX
	SUBQ       $64, BX
	JNZ        vnnirest64

vnnisum:
	VPADDD        Z1, Z0, Z0
	VEXTRACTI64X4 $1, Z0, Y1
	VPADDD        Y1, Y0, Y0
	SCORE
	JNZ           vnnirow
	VZEROUPPER
	RET

// func scoreGatheredAVX2(out *float32, q, rows *int8, n int, scales *float32, ids *uint32, count int)
// The products are made as by dotRowsInt8AVX2.
TEXT ·scoreGatheredAVX2(SB), NOSPLIT, $0-56
	ARGUMENTS
	XORQ R12, R12

avx2first:
	CMPQ R12, $ahead
	JGE  avx2row
	CMPQ R12, R11
	JGE  avx2row
	MOVL (R10)(R12*4), CX
	PREFETCHT0 (R9)(CX*4)
	IMULQ R8, CX
	ADDQ DX, CX
	MOVQ R8, BX

avx2firstline:
	PREFETCHT0 (CX)
	ADDQ $64, CX
	SUBQ $64, BX
	JNZ  avx2firstline
	INCQ R12
	JMP  avx2first

avx2row:
	MOVL   (R10), R13
	VMOVSS (R9)(R13*4), X3
	IMULQ  R8, R13
	ADDQ   DX, R13
	MOVQ   R13, CX
	CMPQ   R11, $ahead
	JLE    avx2noahead
	MOVL   (4*ahead)(R10), CX
	PREFETCHT0 (R9)(CX*4)
	IMULQ  R8, CX
	ADDQ   DX, CX

avx2noahead:
	MOVQ  SI, R12
	MOVQ  R8, BX
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1

avx2loop:
	PREFETCHT0 (CX)
	VPMOVSXBW  (R13), Y4
	VPMOVSXBW  16(R13), Y5
	VPMOVSXBW  32(R13), Y8
	VPMOVSXBW  48(R13), Y9
	VPMOVSXBW  (R12), Y6
	VPMOVSXBW  16(R12), Y7
	VPMOVSXBW  32(R12), Y10
	VPMOVSXBW  48(R12), Y11
	VPMADDWD   Y6, Y4, Y4
	VPMADDWD   Y7, Y5, Y5
	VPMADDWD   Y10, Y8, Y8
	VPMADDWD   Y11, Y9, Y9
	VPADDD     Y4, Y0, Y0
	VPADDD     Y5, Y1, Y1
	VPADDD     Y8, Y0, Y0
	VPADDD     Y9, Y1, Y1
	ADDQ       $64, R12
	ADDQ       $64, R13
	ADDQ       $64, CX
	SUBQ       $64, BX
	JNZ        avx2loop

	VPADDD       Y1, Y0, Y0
	SCORE
	JNZ          avx2row
	VZEROUPPER
	RET

// func prefetchLines(first *uint32, bytes int)
TEXT ·prefetchLines(SB), NOSPLIT, $0-16
	MOVQ first+0(FP), DI
	MOVQ bytes+8(FP), CX

line:
	PREFETCHT0 (DI)
	ADDQ $64, DI
	SUBQ $64, CX
	JG   line
	RET
