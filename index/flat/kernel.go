package flat

import "engram/index/internal/simd"

// KernelName names the kernels that searches use on this machine unless they
// are told otherwise, such as "avx512vnni".
func KernelName() string { return simd.Best().Name }
