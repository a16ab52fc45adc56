// level: a sum becomes an output element; twin of bnn_mvau_level.sv.
//
//   N_THRESHOLDS = 1, OUT_BITS = 1:  level = (sum >= T_0)
//   otherwise:                       level = OUT_BIAS + #{t : sum >= T_t}, two's complement
//
// Thresholds stand in a memory row, lane pe's threshold t at bit (pe*N_THRESHOLDS+t)*TH_BITS.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <bool SIGNED, int TH_BITS, int N_THRESHOLDS, int OUT_BITS, int OUT_BIAS, int LIMBS>
limb_t level(long long sum, const limb_t (&row)[LIMBS], int lane) {
#pragma HLS INLINE
  long long count = OUT_BITS == 1 ? 0 : OUT_BIAS;
  for (int t = 0; t < N_THRESHOLDS; t++) {
#pragma HLS UNROLL
    const limb_t bits = field<TH_BITS>(row, (lane * N_THRESHOLDS + t) * TH_BITS).to_uint64();
    if (sum >= number<TH_BITS, SIGNED>(bits)) count++;
  }
  return (limb_t)count;
}

}  // namespace hw_bnn
