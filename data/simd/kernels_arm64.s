//go:build arm64 && !noasm

#include "textflag.h"

// Instructions that the assembler has no name for, by their encoding in the Arm
// Architecture Reference Manual. d, n and m are register numbers.
#define FADD_4S(m, n, d) WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d))
#define FADDP_4S(m, n, d) WORD $(0x6E20D400 | (m)<<16 | (n)<<5 | (d))
#define SMULL_8H(m, n, d) WORD $(0x0E20C000 | (m)<<16 | (n)<<5 | (d))
#define SMULL2_8H(m, n, d) WORD $(0x4E20C000 | (m)<<16 | (n)<<5 | (d))
#define SADALP_4S(n, d) WORD $(0x4E606800 | (n)<<5 | (d))

// Registers, in every function:
//	R0 out   R1 q   R2 row   R3 n   R4 stride in bytes   R5 rows left
//	R6 position in q   R7 position in the row   R8 elements left

// func dotRowsNEON(out, q, rows *float32, n, stride, count int)
TEXT ·dotRowsNEON(SB), NOSPLIT, $0-48
	MOVD out+0(FP), R0
	MOVD q+8(FP), R1
	MOVD rows+16(FP), R2
	MOVD n+24(FP), R3
	MOVD stride+32(FP), R4
	MOVD count+40(FP), R5
	LSL  $2, R4, R4

frow:
	MOVD R1, R6
	MOVD R2, R7
	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16
	SUBS $16, R3, R8
	BLT  frest

floop:
	VLD1.P 64(R6), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1.P 64(R7), [V16.S4, V17.S4, V18.S4, V19.S4]
	VFMLA  V4.S4, V16.S4, V0.S4
	VFMLA  V5.S4, V17.S4, V1.S4
	VFMLA  V6.S4, V18.S4, V2.S4
	VFMLA  V7.S4, V19.S4, V3.S4
	SUBS   $16, R8, R8
	BGE    floop

frest:
	FADD_4S(1, 0, 0)
	FADD_4S(3, 2, 2)
	FADD_4S(2, 0, 0)
	FADDP_4S(0, 0, 0)
	FADDP_4S(0, 0, 0)
	ADDS $16, R8, R8
	BEQ  fstore

ftail:
	FMOVS.P 4(R6), F4
	FMOVS.P 4(R7), F5
	FMADDS  F4, F0, F5, F0
	SUBS    $1, R8, R8
	BNE     ftail

fstore:
	FMOVS.P F0, 4(R0)
	ADD     R4, R2, R2
	SUBS    $1, R5, R5
	BNE     frow
	RET

// func dotRowsInt8NEON(out *int32, q, rows *int8, n, stride, count int)
TEXT ·dotRowsInt8NEON(SB), NOSPLIT, $0-48
	MOVD out+0(FP), R0
	MOVD q+8(FP), R1
	MOVD rows+16(FP), R2
	MOVD n+24(FP), R3
	MOVD stride+32(FP), R4
	MOVD count+40(FP), R5

irow:
	MOVD R1, R6
	MOVD R2, R7
	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16
	SUBS $16, R3, R8
	BLT  irest

iloop:
	VLD1.P 16(R6), [V4.B16]
	VLD1.P 16(R7), [V5.B16]
	SMULL_8H(4, 5, 6)
	SMULL2_8H(4, 5, 7)
	SADALP_4S(6, 0)
	SADALP_4S(7, 1)
	SUBS   $16, R8, R8
	BGE    iloop

irest:
	VADD  V1.S4, V0.S4, V0.S4
	VADDV V0.S4, V0
	VMOV  V0.S[0], R9
	ADDS  $16, R8, R8
	BEQ   istore

itail:
	MOVB.P 1(R6), R10
	MOVB.P 1(R7), R11
	MADDW  R10, R9, R11, R9
	SUBS   $1, R8, R8
	BNE    itail

istore:
	MOVW.P R9, 4(R0)
	ADD    R4, R2, R2
	SUBS   $1, R5, R5
	BNE    irow
	RET
