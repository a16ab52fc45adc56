// popcount: number of ones in a word; twin of bnn_popcount.sv.
//
//   count = sum_i bits[i], in [0, N]
//
// The tool makes an adder tree of the unrolled loop. In C simulation the same number comes from the
// processor's own instruction; HW_BNN_PLAIN simulates the loop that is synthesised.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <int N> unsigned popcount(const ap_uint<N>& bits) {
#pragma HLS INLINE
  unsigned count = 0;
#if defined(HW_BNN_AP_SHIM) && !defined(HW_BNN_PLAIN)
  for (int i = 0; i < ap_uint<N>::N; i++) count += __builtin_popcountll(bits.v[i]);
#else
  for (int i = 0; i < N; i++) {
#pragma HLS UNROLL
    count += bits[i] ? 1 : 0;
  }
#endif
  return count;
}

}  // namespace hw_bnn
