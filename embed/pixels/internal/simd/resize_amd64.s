//go:build amd64 && !noasm

#include "textflag.h"

DATA half<>+0(SB)/8, $0x0020000000200000
DATA half<>+8(SB)/8, $0x0020000000200000
DATA half<>+16(SB)/8, $0x0020000000200000
DATA half<>+24(SB)/8, $0x0020000000200000
GLOBL half<>(SB), RODATA|NOPTR, $32

// half in the low lanes alone, for one pixel.
DATA halfpixel<>+0(SB)/8, $0x0020000000200000
DATA halfpixel<>+8(SB)/8, $0x0020000000200000
DATA halfpixel<>+16(SB)/8, $0
DATA halfpixel<>+24(SB)/8, $0
GLOBL halfpixel<>(SB), RODATA|NOPTR, $32

// spread makes 32-bit lanes of two pixels of RGB, one in each half of the register.
DATA spread<>+0(SB)/8, $0x8080800180808000
DATA spread<>+8(SB)/8, $0x8080808080808002
DATA spread<>+16(SB)/8, $0x8080800480808003
DATA spread<>+24(SB)/8, $0x8080808080808005
GLOBL spread<>(SB), RODATA|NOPTR, $32

// second chooses element 0 for the low half of a register, element 1 for the high.
DATA second<>+0(SB)/8, $0
DATA second<>+8(SB)/8, $0
DATA second<>+16(SB)/8, $0x0000000100000001
DATA second<>+24(SB)/8, $0x0000000100000001
GLOBL second<>(SB), RODATA|NOPTR, $32

// inorder brings eights of bytes, which packing leaves as fours, into order.
DATA inorder<>+0(SB)/8, $0x0000000400000000
DATA inorder<>+8(SB)/8, $0x0000000500000001
DATA inorder<>+16(SB)/8, $0x0000000600000002
DATA inorder<>+24(SB)/8, $0x0000000700000003
GLOBL inorder<>(SB), RODATA|NOPTR, $32

// func acrossAVX2(out, in *byte, starts *int, weights *[]int32, n int)
//
//	DI out   SI in   DX starts   R8 headers of the weights   CX pixels left
//	AX in, where the pixel starts   R9 weights of the pixel   R10 how many are left
TEXT ·acrossAVX2(SB), NOSPLIT, $0-40
	MOVQ    out+0(FP), DI
	MOVQ    in+8(FP), SI
	MOVQ    starts+16(FP), DX
	MOVQ    weights+24(FP), R8
	MOVQ    n+32(FP), CX
	VMOVDQU halfpixel<>(SB), Y15
	VMOVDQU spread<>(SB), Y14
	VMOVDQU second<>(SB), Y13

acrosspixel:
	MOVQ    (DX), AX
	LEAQ    (AX)(AX*2), AX
	ADDQ    SI, AX
	MOVQ    (R8), R9
	MOVQ    8(R8), R10
	VMOVDQU Y15, Y0
	SUBQ    $2, R10
	JLT     acrosslast

acrosstwo:
	VPBROADCASTQ (AX), Y1
	VPBROADCASTQ (R9), Y2
	VPSHUFB      Y14, Y1, Y1
	VPERMILPS    Y13, Y2, Y2
	VPMULLD      Y2, Y1, Y1
	VPADDD       Y1, Y0, Y0
	ADDQ         $6, AX
	ADDQ         $8, R9
	SUBQ         $2, R10
	JGE          acrosstwo

acrosslast:
	ADDQ         $2, R10
	JZ           acrossdone
	VMOVD        (AX), X1
	VPBROADCASTD (R9), X2
	VPMOVZXBD    X1, X1
	VPMULLD      X2, X1, X1
	VPADDD       Y1, Y0, Y0

acrossdone:
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VPSRAD       $22, X0, X0
	VPACKUSDW    X0, X0, X0
	VPACKUSWB    X0, X0, X0
	VMOVD        X0, R11
	MOVW         R11, (DI)
	SHRL         $16, R11
	MOVB         R11, 2(DI)
	ADDQ         $3, DI
	ADDQ         $8, DX
	ADDQ         $24, R8
	DECQ         CX
	JNZ          acrosspixel
	VZEROUPPER
	RET

// func downAVX2(out *byte, rows *[]byte, weights *int32, taps, n int)
//
//	DI out   SI headers of the rows   DX weights   R8 rows   CX bytes left
//	BX place in the rows   R9 header, R10 weight of a row   R11 rows left   AX row
TEXT ·downAVX2(SB), NOSPLIT, $0-40
	MOVQ    out+0(FP), DI
	MOVQ    rows+8(FP), SI
	MOVQ    weights+16(FP), DX
	MOVQ    taps+24(FP), R8
	MOVQ    n+32(FP), CX
	VMOVDQU half<>(SB), Y15
	VMOVDQU inorder<>(SB), Y14
	XORQ    BX, BX

downbytes:
	VMOVDQU Y15, Y0
	VMOVDQU Y15, Y1
	VMOVDQU Y15, Y2
	VMOVDQU Y15, Y3
	MOVQ    SI, R9
	MOVQ    DX, R10
	MOVQ    R8, R11

downrow:
	MOVQ         (R9), AX
	VPBROADCASTD (R10), Y8
	VPMOVZXBD    (AX)(BX*1), Y4
	VPMOVZXBD    8(AX)(BX*1), Y5
	VPMOVZXBD    16(AX)(BX*1), Y6
	VPMOVZXBD    24(AX)(BX*1), Y7
	VPMULLD      Y8, Y4, Y4
	VPMULLD      Y8, Y5, Y5
	VPMULLD      Y8, Y6, Y6
	VPMULLD      Y8, Y7, Y7
	VPADDD       Y4, Y0, Y0
	VPADDD       Y5, Y1, Y1
	VPADDD       Y6, Y2, Y2
	VPADDD       Y7, Y3, Y3
	ADDQ         $24, R9
	ADDQ         $4, R10
	DECQ         R11
	JNZ          downrow

	VPSRAD    $22, Y0, Y0
	VPSRAD    $22, Y1, Y1
	VPSRAD    $22, Y2, Y2
	VPSRAD    $22, Y3, Y3
	VPACKUSDW Y1, Y0, Y0
	VPACKUSDW Y3, Y2, Y2
	VPACKUSWB Y2, Y0, Y0
	VPERMD    Y0, Y14, Y0
	VMOVDQU   Y0, (DI)(BX*1)
	ADDQ      $32, BX
	SUBQ      $32, CX
	JNZ       downbytes
	VZEROUPPER
	RET
