//go:build amd64 && !noasm

#include "textflag.h"

// Registers, in every function:
//	SI v   DI dst or code   CX elements left

// Eight lanes: Y0 has lanes 0 to 3, Y1 lanes 4 to 7. LANES adds them up, in the
// order in which the portable twins do, to X0.
#define LANES \
	VADDPD       Y1, Y0, Y0; \
	VEXTRACTF128 $1, Y0, X1; \
	VADDPD       X1, X0, X0; \
	VPERMILPD    $1, X0, X1; \
	VADDSD       X1, X0, X0

// func squaresAVX2(v *float32, n int) float64
TEXT ·squaresAVX2(SB), NOSPLIT, $0-24
	MOVQ   v+0(FP), SI
	MOVQ   n+8(FP), CX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	SUBQ   $8, CX
	JLT    squaresrest

squaresloop:
	VCVTPS2PD   (SI), Y2
	VCVTPS2PD   16(SI), Y3
	VFMADD231PD Y2, Y2, Y0
	VFMADD231PD Y3, Y3, Y1
	ADDQ        $32, SI
	SUBQ        $8, CX
	JGE         squaresloop

squaresrest:
	LANES
	ADDQ $8, CX
	JZ   squaresdone

squarestail:
	VMOVSS      (SI), X2
	VCVTSS2SD   X2, X2, X2
	VFMADD231SD X2, X2, X0
	ADDQ        $4, SI
	DECQ        CX
	JNZ         squarestail

squaresdone:
	VMOVSD X0, ret+16(FP)
	VZEROUPPER
	RET

// func scaleAVX2(dst, v *float32, n int, factor float64)
TEXT ·scaleAVX2(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         v+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSD factor+24(FP), Y8
	SUBQ         $8, CX
	JLT          scalerest

scaleloop:
	VCVTPS2PD  (SI), Y2
	VCVTPS2PD  16(SI), Y3
	VMULPD     Y8, Y2, Y2
	VMULPD     Y8, Y3, Y3
	VCVTPD2PSY Y2, X2
	VCVTPD2PSY Y3, X3
	VMOVUPS    X2, (DI)
	VMOVUPS    X3, 16(DI)
	ADDQ       $32, SI
	ADDQ       $32, DI
	SUBQ       $8, CX
	JGE        scaleloop

scalerest:
	ADDQ $8, CX
	JZ   scaledone

scaletail:
	VMOVSS    (SI), X2
	VCVTSS2SD X2, X2, X2
	VMULSD    X8, X2, X2
	VCVTSD2SS X2, X2, X2
	VMOVSS    X2, (DI)
	ADDQ      $4, SI
	ADDQ      $4, DI
	DECQ      CX
	JNZ       scaletail

scaledone:
	VZEROUPPER
	RET

// func largestAVX2(v *float32, n int) float32
TEXT ·largestAVX2(SB), NOSPLIT, $0-20
	MOVQ     v+0(FP), SI
	MOVQ     n+8(FP), CX
	VPXOR    Y0, Y0, Y0
	VPXOR    Y1, Y1, Y1
	VPCMPEQD Y8, Y8, Y8
	VPSRLD   $1, Y8, Y8 // all bits but the sign
	SUBQ     $16, CX
	JLT      largestrest

largestloop:
	VPAND   (SI), Y8, Y2
	VPAND   32(SI), Y8, Y3
	VPMAXUD Y2, Y0, Y0
	VPMAXUD Y3, Y1, Y1
	ADDQ    $64, SI
	SUBQ    $16, CX
	JGE     largestloop

largestrest:
	VPMAXUD      Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPMAXUD      X1, X0, X0
	VPSHUFD      $0x4E, X0, X1
	VPMAXUD      X1, X0, X0
	VPSHUFD      $0xB1, X0, X1
	VPMAXUD      X1, X0, X0
	ADDQ         $16, CX
	JZ           largestdone

largesttail:
	VMOVD   (SI), X2
	VPAND   X8, X2, X2
	VPMAXUD X2, X0, X0
	ADDQ    $4, SI
	DECQ    CX
	JNZ     largesttail

largestdone:
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

// func codeAVX2(code *int8, v *float32, n int, inv, scale float64) float64
// The numbers are rounded, held within ±127, and what they leave is squared, as
// in codeOf: n·scale is exact, so that VFNMADD rounds once as that does, but a
// square is not.
TEXT ·codeAVX2(SB), NOSPLIT, $0-48
	MOVQ         code+0(FP), DI
	MOVQ         v+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSD inv+24(FP), Y8
	VBROADCASTSD scale+32(FP), Y9
	MOVQ         $0x4338000000000000, AX // 1.5·2^52
	VMOVQ        AX, X10
	VBROADCASTSD X10, Y10
	MOVQ         $0x405FC00000000000, AX // 127
	VMOVQ        AX, X11
	VBROADCASTSD X11, Y11
	VXORPD       Y0, Y0, Y0
	VXORPD       Y1, Y1, Y1
	VSUBPD       Y11, Y0, Y12 // -127
	SUBQ         $8, CX
	JLT          coderest

codeloop:
	VCVTPS2PD    (SI), Y2
	VCVTPS2PD    16(SI), Y3
	VMULPD       Y8, Y2, Y4
	VMULPD       Y8, Y3, Y5
	VADDPD       Y10, Y4, Y4
	VADDPD       Y10, Y5, Y5
	VSUBPD       Y10, Y4, Y4
	VSUBPD       Y10, Y5, Y5
	VMINPD       Y11, Y4, Y4
	VMINPD       Y11, Y5, Y5
	VMAXPD       Y12, Y4, Y4
	VMAXPD       Y12, Y5, Y5
	VFNMADD231PD Y9, Y4, Y2
	VFNMADD231PD Y9, Y5, Y3
	VCVTPD2DQY   Y4, X4
	VCVTPD2DQY   Y5, X5
	VMULPD       Y2, Y2, Y2
	VMULPD       Y3, Y3, Y3
	VPACKSSDW    X5, X4, X4
	VADDPD       Y2, Y0, Y0
	VADDPD       Y3, Y1, Y1
	VPACKSSWB    X4, X4, X4
	VMOVQ        X4, (DI)
	ADDQ         $32, SI
	ADDQ         $8, DI
	SUBQ         $8, CX
	JGE          codeloop

coderest:
	LANES
	ADDQ $8, CX
	JZ   codedone

codetail:
	VMOVSS       (SI), X2
	VCVTSS2SD    X2, X2, X2
	VMULSD       X8, X2, X4
	VADDSD       X10, X4, X4
	VSUBSD       X10, X4, X4
	VMINSD       X11, X4, X4
	VMAXSD       X12, X4, X4
	VFNMADD231SD X9, X4, X2
	VCVTSD2SI    X4, AX
	MOVB         AX, (DI)
	VMULSD       X2, X2, X2
	VADDSD       X2, X0, X0
	ADDQ         $4, SI
	INCQ         DI
	DECQ         CX
	JNZ          codetail

codedone:
	VMOVSD X0, ret+40(FP)
	VZEROUPPER
	RET
