//go:build amd64 && !noasm

#include "textflag.h"

// A mask of n lanes begins 8-n words in.
DATA ·lanesOf<>+0(SB)/8, $-1
DATA ·lanesOf<>+8(SB)/8, $-1
DATA ·lanesOf<>+16(SB)/8, $-1
DATA ·lanesOf<>+24(SB)/8, $-1
DATA ·lanesOf<>+32(SB)/8, $0
DATA ·lanesOf<>+40(SB)/8, $0
DATA ·lanesOf<>+48(SB)/8, $0
DATA ·lanesOf<>+56(SB)/8, $0
GLOBL ·lanesOf<>(SB), RODATA|NOPTR, $64

// ROW sets DX to row AX at the column and Y8 to its factor.
#define ROW \
	MOVLQSX      (R8)(AX*4), DX; \
	IMULQ        R11, DX;        \
	ADDQ         R9, DX;         \
	VBROADCASTSS (SI)(AX*4), Y8

// func addRowsAVX2(dst, factors *float32, rows *int32, table *float32, n, count int)
// Products are rounded before they are added, as the portable twin does.
TEXT ·addRowsAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ factors+8(FP), SI
	MOVQ rows+16(FP), R8
	MOVQ table+24(FP), R9
	MOVQ n+32(FP), CX
	MOVQ count+40(FP), R10
	MOVQ CX, R11
	SHLQ $2, R11           // bytes of a row

columns32:
	CMPQ    CX, $32
	JLT     columns8
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1
	VMOVUPS 64(DI), Y2
	VMOVUPS 96(DI), Y3
	XORQ    AX, AX

rows32:
	ROW
	VMULPS (DX), Y8, Y4
	VMULPS 32(DX), Y8, Y5
	VMULPS 64(DX), Y8, Y6
	VMULPS 96(DX), Y8, Y7
	VADDPS Y4, Y0, Y0
	VADDPS Y5, Y1, Y1
	VADDPS Y6, Y2, Y2
	VADDPS Y7, Y3, Y3
	INCQ   AX
	CMPQ   AX, R10
	JLT    rows32

	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	ADDQ    $128, DI
	ADDQ    $128, R9
	SUBQ    $32, CX
	JMP     columns32

columns8:
	CMPQ    CX, $8
	JLT     rest
	VMOVUPS (DI), Y0
	XORQ    AX, AX

rows8:
	ROW
	VMULPS (DX), Y8, Y4
	VADDPS Y4, Y0, Y0
	INCQ   AX
	CMPQ   AX, R10
	JLT    rows8

	VMOVUPS Y0, (DI)
	ADDQ    $32, DI
	ADDQ    $32, R9
	SUBQ    $8, CX
	JMP     columns8

rest:
	TESTQ      CX, CX
	JZ         done
	LEAQ       ·lanesOf<>+32(SB), BX
	SHLQ       $2, CX
	SUBQ       CX, BX
	VMOVUPS    (BX), Y9
	VMASKMOVPS (DI), Y9, Y0
	XORQ       AX, AX

rowsrest:
	ROW
	VMASKMOVPS (DX), Y9, Y4
	VMULPS     Y4, Y8, Y4
	VADDPS     Y4, Y0, Y0
	INCQ       AX
	CMPQ       AX, R10
	JLT        rowsrest

	VMASKMOVPS Y0, Y9, (DI)

done:
	VZEROUPPER
	RET
