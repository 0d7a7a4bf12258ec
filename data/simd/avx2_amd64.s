//go:build amd64 && !noasm

#include "textflag.h"

// Registers, in every function:
//	DI out   SI q   DX row   CX n   R8 stride in bytes   R9 rows left
//	R12 position in q   R13 position in the row   BX elements left

// func dotRowsAVX2(out, q, rows *float32, n, stride, count int)
TEXT ·dotRowsAVX2(SB), NOSPLIT, $0-48
	MOVQ out+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ rows+16(FP), DX
	MOVQ n+24(FP), CX
	MOVQ stride+32(FP), R8
	MOVQ count+40(FP), R9
	SHLQ $2, R8

f256row:
	MOVQ   SI, R12
	MOVQ   DX, R13
	MOVQ   CX, BX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	SUBQ   $32, BX
	JLT    f256rest

f256loop:
	VMOVUPS     (R13), Y4
	VMOVUPS     32(R13), Y5
	VMOVUPS     64(R13), Y6
	VMOVUPS     96(R13), Y7
	VFMADD231PS (R12), Y4, Y0
	VFMADD231PS 32(R12), Y5, Y1
	VFMADD231PS 64(R12), Y6, Y2
	VFMADD231PS 96(R12), Y7, Y3
	ADDQ        $128, R12
	ADDQ        $128, R13
	SUBQ        $32, BX
	JGE         f256loop

f256rest:
	VADDPS       Y1, Y0, Y0
	VADDPS       Y3, Y2, Y2
	VADDPS       Y2, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS       X1, X0, X0
	VPERMILPS    $0x4E, X0, X1
	VADDPS       X1, X0, X0
	VPERMILPS    $0xB1, X0, X1
	VADDSS       X1, X0, X0
	ADDQ         $32, BX
	JZ           f256store

f256tail:
	VMOVSS      (R13), X4
	VFMADD231SS (R12), X4, X0
	ADDQ        $4, R12
	ADDQ        $4, R13
	DECQ        BX
	JNZ         f256tail

f256store:
	VMOVSS X0, (DI)
	ADDQ   $4, DI
	ADDQ   R8, DX
	DECQ   R9
	JNZ    f256row
	VZEROUPPER
	RET

// func dotRowsInt8AVX2(out *int32, q, rows *int8, n, stride, count int)
// VPMADDUBSW would saturate. So the bytes are widened to 16 bits first: VPMADDWD
// adds two products of them, at most 2·2¹⁴, without loss.
TEXT ·dotRowsInt8AVX2(SB), NOSPLIT, $0-48
	MOVQ out+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ rows+16(FP), DX
	MOVQ n+24(FP), CX
	MOVQ stride+32(FP), R8
	MOVQ count+40(FP), R9

i256row:
	MOVQ  SI, R12
	MOVQ  DX, R13
	MOVQ  CX, BX
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	SUBQ  $32, BX
	JLT   i256rest

i256loop:
	VPMOVSXBW (R13), Y4
	VPMOVSXBW 16(R13), Y5
	VPMOVSXBW (R12), Y6
	VPMOVSXBW 16(R12), Y7
	VPMADDWD  Y6, Y4, Y4
	VPMADDWD  Y7, Y5, Y5
	VPADDD    Y4, Y0, Y0
	VPADDD    Y5, Y1, Y1
	ADDQ      $32, R12
	ADDQ      $32, R13
	SUBQ      $32, BX
	JGE       i256loop

i256rest:
	VPADDD       Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0x4E, X0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0xB1, X0, X1
	VPADDD       X1, X0, X0
	VMOVD        X0, AX
	ADDQ         $32, BX
	JZ           i256store

i256tail:
	MOVBLSX (R13), R10
	MOVBLSX (R12), R11
	IMULL   R11, R10
	ADDL    R10, AX
	INCQ    R12
	INCQ    R13
	DECQ    BX
	JNZ     i256tail

i256store:
	MOVL AX, (DI)
	ADDQ $4, DI
	ADDQ R8, DX
	DECQ R9
	JNZ  i256row
	VZEROUPPER
	RET
