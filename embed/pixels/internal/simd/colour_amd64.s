//go:build amd64 && !noasm

#include "textflag.h"

// The factors of toRGBPortable less what a 16-bit lane does not hold, which is added
// as it is: 91881 = 26345 + 1·65536, 116130 = −14942 + 2·65536, −46802 = 18734 − 1·65536.
DATA middle<>+0(SB)/8, $0x0080008000800080
DATA middle<>+8(SB)/8, $0x0080008000800080
DATA middle<>+16(SB)/8, $0x0080008000800080
DATA middle<>+24(SB)/8, $0x0080008000800080
GLOBL middle<>(SB), RODATA|NOPTR, $32

DATA one<>+0(SB)/8, $0x0001000100010001
DATA one<>+8(SB)/8, $0x0001000100010001
DATA one<>+16(SB)/8, $0x0001000100010001
DATA one<>+24(SB)/8, $0x0001000100010001
GLOBL one<>(SB), RODATA|NOPTR, $32

DATA redfactor<>+0(SB)/8, $0x66e966e966e966e9
DATA redfactor<>+8(SB)/8, $0x66e966e966e966e9
DATA redfactor<>+16(SB)/8, $0x66e966e966e966e9
DATA redfactor<>+24(SB)/8, $0x66e966e966e966e9
GLOBL redfactor<>(SB), RODATA|NOPTR, $32

DATA bluefactor<>+0(SB)/8, $0xc5a2c5a2c5a2c5a2
DATA bluefactor<>+8(SB)/8, $0xc5a2c5a2c5a2c5a2
DATA bluefactor<>+16(SB)/8, $0xc5a2c5a2c5a2c5a2
DATA bluefactor<>+24(SB)/8, $0xc5a2c5a2c5a2c5a2
GLOBL bluefactor<>(SB), RODATA|NOPTR, $32

DATA greenfactors<>+0(SB)/8, $0x492ea7e6492ea7e6
DATA greenfactors<>+8(SB)/8, $0x492ea7e6492ea7e6
DATA greenfactors<>+16(SB)/8, $0x492ea7e6492ea7e6
DATA greenfactors<>+24(SB)/8, $0x492ea7e6492ea7e6
GLOBL greenfactors<>(SB), RODATA|NOPTR, $32

DATA greenround<>+0(SB)/8, $0x0000800000008000
DATA greenround<>+8(SB)/8, $0x0000800000008000
DATA greenround<>+16(SB)/8, $0x0000800000008000
DATA greenround<>+24(SB)/8, $0x0000800000008000
GLOBL greenround<>(SB), RODATA|NOPTR, $32

// Where bytes of 16 pixels go: the bytes of R, G and B among each 16 of the result.
DATA red0<>+0(SB)/8, $0x8002808001808000
DATA red0<>+8(SB)/8, $0x0580800480800380
GLOBL red0<>(SB), RODATA|NOPTR, $16
DATA green0<>+0(SB)/8, $0x0280800180800080
DATA green0<>+8(SB)/8, $0x8080048080038080
GLOBL green0<>(SB), RODATA|NOPTR, $16
DATA blue0<>+0(SB)/8, $0x8080018080008080
DATA blue0<>+8(SB)/8, $0x8004808003808002
GLOBL blue0<>(SB), RODATA|NOPTR, $16
DATA red1<>+0(SB)/8, $0x8080078080068080
DATA red1<>+8(SB)/8, $0x800a808009808008
GLOBL red1<>(SB), RODATA|NOPTR, $16
DATA green1<>+0(SB)/8, $0x8007808006808005
DATA green1<>+8(SB)/8, $0x0a80800980800880
GLOBL green1<>(SB), RODATA|NOPTR, $16
DATA blue1<>+0(SB)/8, $0x0780800680800580
DATA blue1<>+8(SB)/8, $0x8080098080088080
GLOBL blue1<>(SB), RODATA|NOPTR, $16
DATA red2<>+0(SB)/8, $0x0d80800c80800b80
DATA red2<>+8(SB)/8, $0x80800f80800e8080
GLOBL red2<>(SB), RODATA|NOPTR, $16
DATA green2<>+0(SB)/8, $0x80800c80800b8080
DATA green2<>+8(SB)/8, $0x800f80800e80800d
GLOBL green2<>(SB), RODATA|NOPTR, $16
DATA blue2<>+0(SB)/8, $0x800c80800b80800a
DATA blue2<>+8(SB)/8, $0x0f80800e80800d80
GLOBL blue2<>(SB), RODATA|NOPTR, $16

// Registers, in the functions of this file:
//	DI out   SI luma, near or sums   DX cb or far   R8 cr   CX samples left

// func toRGBAVX2(out, luma, cb, cr *byte, n int)
TEXT ·toRGBAVX2(SB), NOSPLIT, $0-40
	MOVQ    out+0(FP), DI
	MOVQ    luma+8(FP), SI
	MOVQ    cb+16(FP), DX
	MOVQ    cr+24(FP), R8
	MOVQ    n+32(FP), CX
	VMOVDQU middle<>(SB), Y15
	VMOVDQU one<>(SB), Y14
	VMOVDQU redfactor<>(SB), Y13
	VMOVDQU bluefactor<>(SB), Y12
	VMOVDQU greenfactors<>(SB), Y11
	VMOVDQU greenround<>(SB), Y10

rgbloop:
	VPMOVZXBW (SI), Y0
	VPMOVZXBW (DX), Y1
	VPMOVZXBW (R8), Y2
	VPSUBW    Y15, Y1, Y1
	VPSUBW    Y15, Y2, Y2

	// A product with 16 bits of fraction is rounded by way of one with 15:
	// (2·a·b)>>16, plus 1, halved.
	VPADDW  Y2, Y2, Y3
	VPMULHW Y13, Y3, Y3
	VPADDW  Y14, Y3, Y3
	VPSRAW  $1, Y3, Y3
	VPADDW  Y2, Y3, Y3
	VPADDW  Y0, Y3, Y3
	VPADDW  Y1, Y1, Y4
	VPMULHW Y12, Y4, Y5
	VPADDW  Y14, Y5, Y5
	VPSRAW  $1, Y5, Y5
	VPADDW  Y4, Y5, Y5
	VPADDW  Y0, Y5, Y5

	VPUNPCKLWD Y2, Y1, Y6
	VPUNPCKHWD Y2, Y1, Y7
	VPMADDWD   Y11, Y6, Y6
	VPMADDWD   Y11, Y7, Y7
	VPADDD     Y10, Y6, Y6
	VPADDD     Y10, Y7, Y7
	VPSRAD     $16, Y6, Y6
	VPSRAD     $16, Y7, Y7
	VPACKSSDW  Y7, Y6, Y6
	VPSUBW     Y2, Y6, Y6
	VPADDW     Y0, Y6, Y6

	// R in X3, G in X4, B in X5, a byte a pixel.
	VPACKUSWB    Y6, Y3, Y3
	VPACKUSWB    Y5, Y5, Y5
	VPERMQ       $0xD8, Y3, Y3
	VPERMQ       $0xD8, Y5, Y5
	VEXTRACTI128 $1, Y3, X4

#define PIXELS(red, green, blue, at) \
	VPSHUFB red<>(SB), X3, X0; \
	VPSHUFB green<>(SB), X4, X1; \
	VPSHUFB blue<>(SB), X5, X2; \
	VPOR    X1, X0, X0; \
	VPOR    X2, X0, X0; \
	VMOVDQU X0, at(DI)

	PIXELS(red0, green0, blue0, 0)
	PIXELS(red1, green1, blue1, 16)
	PIXELS(red2, green2, blue2, 32)
	ADDQ $16, SI
	ADDQ $16, DX
	ADDQ $16, R8
	ADDQ $48, DI
	SUBQ $16, CX
	JNZ  rgbloop
	VZEROUPPER
	RET

// func mixAVX2(sums *uint16, near, far *byte, n int)
TEXT ·mixAVX2(SB), NOSPLIT, $0-32
	MOVQ sums+0(FP), DI
	MOVQ near+8(FP), SI
	MOVQ far+16(FP), DX
	MOVQ n+24(FP), CX

mixloop:
	VPMOVZXBW (SI), Y0
	VPMOVZXBW (DX), Y1
	VPADDW    Y0, Y0, Y2
	VPADDW    Y1, Y0, Y0
	VPADDW    Y2, Y0, Y0
	VMOVDQU   Y0, (DI)
	ADDQ      $16, SI
	ADDQ      $16, DX
	ADDQ      $32, DI
	SUBQ      $16, CX
	JNZ       mixloop
	VZEROUPPER
	RET

// func doubleAVX2(out *byte, sums *uint16, n int, left, right uint16)
TEXT ·doubleAVX2(SB), NOSPLIT, $0-28
	MOVQ         out+0(FP), DI
	MOVQ         sums+8(FP), SI
	MOVQ         n+16(FP), CX
	VPBROADCASTW left+24(FP), Y8
	VPBROADCASTW right+26(FP), Y9

doubleloop:
	VMOVDQU 2(SI), Y0
	VPADDW  Y0, Y0, Y1
	VPADDW  Y1, Y0, Y0
	VPADDW  (SI), Y0, Y1
	VPADDW  4(SI), Y0, Y2
	VPADDW  Y8, Y1, Y1
	VPADDW  Y9, Y2, Y2
	VPSRLW  $4, Y1, Y1
	VPSRLW  $4, Y2, Y2
	VPSLLW  $8, Y2, Y2
	VPOR    Y2, Y1, Y1
	VMOVDQU Y1, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $16, CX
	JNZ     doubleloop
	VZEROUPPER
	RET
