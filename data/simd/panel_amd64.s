//go:build amd64 && !noasm

#include "textflag.h"

// Registers, in the functions that multiply:
//	DI out   SI codes of the panel   CX groups of four elements
//	DX, R10, R11 rows 0, 4 and 8   R8 stride in bytes   R9 three strides

// ROW multiplies four elements of a row, each of the four made unsigned, with four of
// each of 32 queries.
#define ROW(ROWS, X, A, B) \
	VPXORD.BCST ROWS, Z31, X; \
	VPDPBUSD    Z24, X, A;    \
	VPDPBUSD    Z25, X, B

// func dotPanelVNNI12(out, bias *int32, codes, rows *int8, groups, stride int)
TEXT ·dotPanelVNNI12(SB), NOSPLIT, $0-48
	MOVQ out+0(FP), DI
	MOVQ bias+8(FP), AX
	MOVQ codes+16(FP), SI
	MOVQ rows+24(FP), DX
	MOVQ groups+32(FP), CX
	MOVQ stride+40(FP), R8
	LEAQ (R8)(R8*2), R9
	LEAQ (DX)(R8*4), R10
	LEAQ (R10)(R8*4), R11

	// Z31: the sign bits.
	MOVL         $0x80808080, BX
	VPBROADCASTD BX, Z31
	VMOVDQU32    (AX), Z0
	VMOVDQU32    64(AX), Z1
	VMOVDQA32    Z0, Z2
	VMOVDQA32    Z1, Z3
	VMOVDQA32    Z0, Z4
	VMOVDQA32    Z1, Z5
	VMOVDQA32    Z0, Z6
	VMOVDQA32    Z1, Z7
	VMOVDQA32    Z0, Z8
	VMOVDQA32    Z1, Z9
	VMOVDQA32    Z0, Z10
	VMOVDQA32    Z1, Z11
	VMOVDQA32    Z0, Z12
	VMOVDQA32    Z1, Z13
	VMOVDQA32    Z0, Z14
	VMOVDQA32    Z1, Z15
	VMOVDQA32    Z0, Z16
	VMOVDQA32    Z1, Z17
	VMOVDQA32    Z0, Z18
	VMOVDQA32    Z1, Z19
	VMOVDQA32    Z0, Z20
	VMOVDQA32    Z1, Z21
	VMOVDQA32    Z0, Z22
	VMOVDQA32    Z1, Z23

p12loop:
	VMOVDQU32 (SI), Z24
	VMOVDQU32 64(SI), Z25
	ROW((DX), Z26, Z0, Z1)
	ROW((DX)(R8*1), Z27, Z2, Z3)
	ROW((DX)(R8*2), Z28, Z4, Z5)
	ROW((DX)(R9*1), Z29, Z6, Z7)
	ROW((R10), Z26, Z8, Z9)
	ROW((R10)(R8*1), Z27, Z10, Z11)
	ROW((R10)(R8*2), Z28, Z12, Z13)
	ROW((R10)(R9*1), Z29, Z14, Z15)
	ROW((R11), Z26, Z16, Z17)
	ROW((R11)(R8*1), Z27, Z18, Z19)
	ROW((R11)(R8*2), Z28, Z20, Z21)
	ROW((R11)(R9*1), Z29, Z22, Z23)
	ADDQ      $128, SI
	ADDQ      $4, DX
	ADDQ      $4, R10
	ADDQ      $4, R11
	DECQ      CX
	JNZ       p12loop

	VMOVDQU32 Z0, (DI)
	VMOVDQU32 Z1, 64(DI)
	VMOVDQU32 Z2, 128(DI)
	VMOVDQU32 Z3, 192(DI)
	VMOVDQU32 Z4, 256(DI)
	VMOVDQU32 Z5, 320(DI)
	VMOVDQU32 Z6, 384(DI)
	VMOVDQU32 Z7, 448(DI)
	VMOVDQU32 Z8, 512(DI)
	VMOVDQU32 Z9, 576(DI)
	VMOVDQU32 Z10, 640(DI)
	VMOVDQU32 Z11, 704(DI)
	VMOVDQU32 Z12, 768(DI)
	VMOVDQU32 Z13, 832(DI)
	VMOVDQU32 Z14, 896(DI)
	VMOVDQU32 Z15, 960(DI)
	VMOVDQU32 Z16, 1024(DI)
	VMOVDQU32 Z17, 1088(DI)
	VMOVDQU32 Z18, 1152(DI)
	VMOVDQU32 Z19, 1216(DI)
	VMOVDQU32 Z20, 1280(DI)
	VMOVDQU32 Z21, 1344(DI)
	VMOVDQU32 Z22, 1408(DI)
	VMOVDQU32 Z23, 1472(DI)
	VZEROUPPER
	RET

// func dotPanelVNNI1(out, bias *int32, codes, row *int8, groups int)
TEXT ·dotPanelVNNI1(SB), NOSPLIT, $0-40
	MOVQ         out+0(FP), DI
	MOVQ         bias+8(FP), AX
	MOVQ         codes+16(FP), SI
	MOVQ         row+24(FP), DX
	MOVQ         groups+32(FP), CX
	MOVL         $0x80808080, BX
	VPBROADCASTD BX, Z31
	VMOVDQU32    (AX), Z0
	VMOVDQU32    64(AX), Z1

p1loop:
	VMOVDQU32 (SI), Z24
	VMOVDQU32 64(SI), Z25
	ROW((DX), Z26, Z0, Z1)
	ADDQ      $128, SI
	ADDQ      $4, DX
	DECQ      CX
	JNZ       p1loop
	VMOVDQU32 Z0, (DI)
	VMOVDQU32 Z1, 64(DI)
	VZEROUPPER
	RET

// func reachAVX512(mask *uint32, dots *int32, scales, residuals *float32, b *Bounds, count int)
TEXT ·reachAVX512(SB), NOSPLIT, $0-48
	MOVQ    mask+0(FP), DI
	MOVQ    dots+8(FP), SI
	MOVQ    scales+16(FP), R8
	MOVQ    residuals+24(FP), R9
	MOVQ    b+32(FP), AX
	MOVQ    count+40(FP), CX
	VMOVUPS (AX), Z8
	VMOVUPS 64(AX), Z9
	VMOVUPS 128(AX), Z10
	VMOVUPS 192(AX), Z11
	VMOVUPS 256(AX), Z12
	VMOVUPS 320(AX), Z13
	VMOVUPS 384(AX), Z14
	VMOVUPS 448(AX), Z15

reachloop:
	VBROADCASTSS (R8), Z0
	VBROADCASTSS (R9), Z1
	VCVTDQ2PS    (SI), Z2
	VCVTDQ2PS    64(SI), Z3
	VMULPS       Z0, Z8, Z4
	VMULPS       Z0, Z9, Z5
	VMOVAPS      Z12, Z6
	VMOVAPS      Z13, Z7
	VFMADD231PS  Z1, Z10, Z6
	VFMADD231PS  Z1, Z11, Z7
	VFMADD231PS  Z2, Z4, Z6
	VFMADD231PS  Z3, Z5, Z7
	VCMPPS       $13, Z14, Z6, K1 // 13: greater or equal
	VCMPPS       $13, Z15, Z7, K2
	KMOVW        K1, AX
	KMOVW        K2, BX
	SHLL         $16, BX
	ORL          BX, AX
	MOVL         AX, (DI)
	ADDQ         $128, SI
	ADDQ         $4, R8
	ADDQ         $4, R9
	ADDQ         $4, DI
	DECQ         CX
	JNZ          reachloop
	VZEROUPPER
	RET

// ROW256 multiplies four elements of a row with four of each of 8 queries, whose
// magnitudes are in Y9: the sign of a query's element goes to the row's.
// VPMADDUBSW adds two products, at most 2·127², without saturation.
#define ROW256(ROWS, A) \
	VPBROADCASTD ROWS, Y10;    \
	VPSIGNB      Y8, Y10, Y10; \
	VPMADDUBSW   Y10, Y9, Y10; \
	VPMADDWD     Y11, Y10, Y10; \
	VPADDD       Y10, A, A

// func dotPanelAVX2x8(out *int32, codes, rows *int8, groups, stride int)
TEXT ·dotPanelAVX2x8(SB), NOSPLIT, $0-40
	MOVQ     out+0(FP), DI
	MOVQ     codes+8(FP), SI
	MOVQ     rows+16(FP), DX
	MOVQ     groups+24(FP), CX
	MOVQ     stride+32(FP), R8
	LEAQ     (R8)(R8*2), R9
	LEAQ     (DX)(R8*4), R10
	VPCMPEQW Y11, Y11, Y11
	VPSRLW   $15, Y11, Y11 // ones
	VPXOR    Y0, Y0, Y0
	VPXOR    Y1, Y1, Y1
	VPXOR    Y2, Y2, Y2
	VPXOR    Y3, Y3, Y3
	VPXOR    Y4, Y4, Y4
	VPXOR    Y5, Y5, Y5
	VPXOR    Y6, Y6, Y6
	VPXOR    Y7, Y7, Y7

x8loop:
	VMOVDQU (SI), Y8
	VPABSB  Y8, Y9
	ROW256((DX), Y0)
	ROW256((DX)(R8*1), Y1)
	ROW256((DX)(R8*2), Y2)
	ROW256((DX)(R9*1), Y3)
	ROW256((R10), Y4)
	ROW256((R10)(R8*1), Y5)
	ROW256((R10)(R8*2), Y6)
	ROW256((R10)(R9*1), Y7)
	ADDQ    $128, SI
	ADDQ    $4, DX
	ADDQ    $4, R10
	DECQ    CX
	JNZ     x8loop

	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 128(DI)
	VMOVDQU Y2, 256(DI)
	VMOVDQU Y3, 384(DI)
	VMOVDQU Y4, 512(DI)
	VMOVDQU Y5, 640(DI)
	VMOVDQU Y6, 768(DI)
	VMOVDQU Y7, 896(DI)
	VZEROUPPER
	RET

// func reachRowsAVX512(mask *uint16, dots *int32, scales, residuals *float32, b *Bound, count int)
// count is a multiple of 16.
TEXT ·reachRowsAVX512(SB), NOSPLIT, $0-48
	MOVQ         mask+0(FP), DI
	MOVQ         dots+8(FP), SI
	MOVQ         scales+16(FP), R8
	MOVQ         residuals+24(FP), R9
	MOVQ         b+32(FP), AX
	MOVQ         count+40(FP), CX
	VBROADCASTSS (AX), Z8
	VBROADCASTSS 4(AX), Z9
	VBROADCASTSS 8(AX), Z10
	VBROADCASTSS 12(AX), Z11

rowsloop:
	// The scales and residuals of the next block, which the scan comes to after 4 kB
	// to 800 kB of codes.
	PREFETCHT0  4096(R8)
	PREFETCHT0  4096(R9)
	VMULPS      (R8), Z8, Z0
	VCVTDQ2PS   (SI), Z1
	VMOVAPS     Z10, Z2
	VFMADD231PS (R9), Z9, Z2
	VFMADD231PS Z1, Z0, Z2
	VCMPPS      $13, Z11, Z2, K1 // 13: greater or equal
	KMOVW       K1, AX
	MOVW        AX, (DI)
	ADDQ        $64, SI
	ADDQ        $64, R8
	ADDQ        $64, R9
	ADDQ        $2, DI
	SUBQ        $16, CX
	JNZ         rowsloop
	VZEROUPPER
	RET
