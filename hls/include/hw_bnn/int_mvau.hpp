// int_mvau: matrix-vector product of n-bit integers by +-1 weights; twin of bnn_int_mvau.sv.
//
//   acc[c] = sum_i x[i] * (2*W[c][i] - 1)      modulo 2^ACC_BITS, two's complement
//
// which is formed bit plane by bit plane, x[i] = sum_b s_b 2^b x_b[i] (s_b = -1 for a sign bit):
//
//   acc[c] = sum_b s_b 2^b (2 popcount(x_b & W[c]) - popcount(x_b))
//
//   N_THRESHOLDS = 0:  y[c] = acc[c]                          OUT_BITS two's complement
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y[c] = (acc[c] >= T)
//   otherwise:  y[c] = OUT_BIAS + #{t : acc[c] >= T[c][t]}    OUT_BITS two's complement
//
// Folding, words and memories are those of the RTL: NF = MH/PE, SF = MW/SIMD, address nf*SF+sf.
// One flat loop: NF*SF steps a vector, initiation interval 1 (mvau.hpp).
#pragma once

#include "mvau.hpp"

namespace hw_bnn {

template <int SIMD, int IN_BITS, bool IN_SIGNED, int ACC_BITS> struct int_unit {
  static const int BITS = IN_BITS, WEIGHT_BITS = 1, TH_BITS = ACC_BITS + 1;
  static const bool SIGNED = true;
  typedef ap_int<ACC_BITS> sum_t;

  static long long number(const sum_t& sum) {
#pragma HLS INLINE
    return sum.to_int64();
  }
  static long long weighted(unsigned count, int plane) {
#pragma HLS INLINE
    const long long value = (long long)count << plane;
    return IN_SIGNED && plane == IN_BITS - 1 ? -value : value;
  }
  // -sum_i x[i], the part that all channels share.
  static long long common(const ap_uint<SIMD> (&x)[IN_BITS]) {
#pragma HLS INLINE
    long long total = 0;
    for (int b = 0; b < IN_BITS; b++) {
#pragma HLS UNROLL
      total += weighted(popcount<SIMD>(x[b]), b);
    }
    return -total;
  }
  // Twice the sum of the x[i] with weight +1.
  static long long product(const ap_uint<SIMD> (&x)[IN_BITS], const ap_uint<SIMD>& weights) {
#pragma HLS INLINE
    long long positive = 0;
    for (int b = 0; b < IN_BITS; b++) {
#pragma HLS UNROLL
      positive += weighted(popcount<SIMD>(x[b] & weights), b);
    }
    return 2 * positive;
  }
  static long long whole(long long sum) {
#pragma HLS INLINE
    return sum;
  }
};

template <int MW, int MH, int PE, int SIMD, int IN_BITS, bool IN_SIGNED, int ACC_BITS,
          int N_THRESHOLDS, int OUT_BITS, int OUT_BIAS, int N_SETS, int N_VECTORS>
void int_mvau(hls::stream<ap_uint<SIMD * IN_BITS> >& s_axis,
              hls::stream<ap_uint<PE * OUT_BITS> >& m_axis,
              const limb_t (&weights)[MH / PE * (MW / SIMD)][limbs(PE * SIMD)],
              const limb_t (&thresholds)[N_THRESHOLDS > 0 ? N_SETS * (MH / PE) : 1]
                                        [limbs(PE * N_THRESHOLDS * (ACC_BITS + 1))],
              const limb_t (&sets)[N_SETS > 1 ? N_VECTORS : 1][1], unsigned vectors) {
#pragma HLS ARRAY_RESHAPE variable=weights dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=thresholds dim=2 complete
  static_assert(MW % SIMD == 0 && MH % PE == 0, "SIMD divides MW, PE divides MH");
  static_assert(N_THRESHOLDS > 0 || OUT_BITS >= ACC_BITS, "OUT_BITS hold the accumulator");
  mvau<int_unit<SIMD, IN_BITS, IN_SIGNED, ACC_BITS>, MW / SIMD, MH / PE, PE, SIMD, N_THRESHOLDS,
       OUT_BITS, OUT_BIAS, N_SETS, N_VECTORS>(s_axis, m_axis, weights, thresholds, sets, vectors);
}

}  // namespace hw_bnn
