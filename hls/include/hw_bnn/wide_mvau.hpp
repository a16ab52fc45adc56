// wide_mvau: matrix-vector product with weights of 2 to 9 bits; twin of bnn_wide_mvau.sv.
//
//   acc[c] = sum_i x[i] * W[c][i]      modulo 2^ACC_BITS, two's complement
//
//   N_THRESHOLDS = 0:  y[c] = acc[c]                          OUT_BITS two's complement
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y[c] = (acc[c] >= T)
//   otherwise:  y[c] = OUT_BIAS + #{t : acc[c] >= T[c][t]}    OUT_BITS two's complement
//
// x[i]: with IN_BIPOLAR a bit that means -1 or +1, else IN_BITS bits, two's complement if IN_SIGNED.
// Folding, words and memories are those of the RTL: NF = MH/PE, SF = MW/SIMD, address nf*SF+sf.
// One flat loop: NF*SF steps a vector, initiation interval 1 (mvau.hpp).
#pragma once

#include "mvau.hpp"

namespace hw_bnn {

template <int SIMD, int IN_BITS, bool IN_SIGNED, bool IN_BIPOLAR, int W_BITS, int ACC_BITS>
struct wide_unit {
  static const int BITS = IN_BITS, WEIGHT_BITS = W_BITS, TH_BITS = ACC_BITS + 1;
  static const bool SIGNED = true;
  typedef ap_int<ACC_BITS> sum_t;

  static long long number(const sum_t& sum) {
#pragma HLS INLINE
    return sum.to_int64();
  }
  static long long common(const ap_uint<SIMD> (&)[IN_BITS]) {
#pragma HLS INLINE
    return 0;
  }
  static long long product(const ap_uint<SIMD> (&x)[IN_BITS], const ap_uint<SIMD * W_BITS>& weights) {
#pragma HLS INLINE
    long long sum = 0;
    for (int i = 0; i < SIMD; i++) {
#pragma HLS UNROLL
      limb_t bits = 0;
      for (int b = 0; b < IN_BITS; b++) {
#pragma HLS UNROLL
        bits |= (limb_t)(x[b][i] ? 1 : 0) << b;
      }
      const long long value =
          IN_BIPOLAR ? 2 * (long long)bits - 1 : hw_bnn::number<IN_BITS, IN_SIGNED>(bits);
      sum += value * hw_bnn::number<W_BITS, true>(element<W_BITS>(weights, i));
    }
    return sum;
  }
  static long long whole(long long sum) {
#pragma HLS INLINE
    return sum;
  }
};

template <int MW, int MH, int PE, int SIMD, int IN_BITS, bool IN_SIGNED, bool IN_BIPOLAR,
          int WEIGHT_BITS, int ACC_BITS, int N_THRESHOLDS, int OUT_BITS, int OUT_BIAS, int N_SETS,
          int N_VECTORS>
void wide_mvau(hls::stream<ap_uint<SIMD * IN_BITS> >& s_axis,
               hls::stream<ap_uint<PE * OUT_BITS> >& m_axis,
               const limb_t (&weights)[MH / PE * (MW / SIMD)][limbs(PE * SIMD * WEIGHT_BITS)],
               const limb_t (&thresholds)[N_THRESHOLDS > 0 ? N_SETS * (MH / PE) : 1]
                                         [limbs(PE * N_THRESHOLDS * (ACC_BITS + 1))],
               const limb_t (&sets)[N_SETS > 1 ? N_VECTORS : 1][1], unsigned vectors) {
#pragma HLS ARRAY_RESHAPE variable=weights dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=thresholds dim=2 complete
  static_assert(MW % SIMD == 0 && MH % PE == 0, "SIMD divides MW, PE divides MH");
  static_assert(N_THRESHOLDS > 0 || OUT_BITS >= ACC_BITS, "OUT_BITS hold the accumulator");
  static_assert(!IN_BIPOLAR || IN_BITS == 1, "a bit is -1 or +1");
  mvau<wide_unit<SIMD, IN_BITS, IN_SIGNED, IN_BIPOLAR, WEIGHT_BITS, ACC_BITS>, MW / SIMD, MH / PE,
       PE, SIMD, N_THRESHOLDS, OUT_BITS, OUT_BIAS, N_SETS, N_VECTORS>(
      s_axis, m_axis, weights, thresholds, sets, vectors);
}

}  // namespace hw_bnn
