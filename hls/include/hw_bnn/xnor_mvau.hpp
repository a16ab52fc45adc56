// xnor_mvau: matrix-vector product of +-1 numbers by XNOR and popcount; twin of bnn_xnor_mvau.sv.
//
//   bit 1 = +1, bit 0 = -1, so that for each output channel c
//     P[c]   = sum_i (x[i] ~^ W[c][i])       popcount, in [0, MW]
//     dot[c] = 2*P[c] - MW                   the signed dot product
//
//   N_THRESHOLDS = 0:  y[c] = dot[c]                        OUT_BITS two's complement
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y[c] = (P[c] >= T)     T = 0 always on, T = MW+1 never on
//   otherwise:  y[c] = OUT_BIAS + #{t : P[c] >= T[c][t]}    OUT_BITS two's complement
//
// Folding, words and memories are those of the RTL: NF = MH/PE, SF = MW/SIMD, address nf*SF+sf.
// One flat loop: NF*SF steps a vector, initiation interval 1 (mvau.hpp).
#pragma once

#include "mvau.hpp"

namespace hw_bnn {

template <int MW, int SIMD> struct xnor_unit {
  static const int BITS = 1, WEIGHT_BITS = 1, TH_BITS = bits_for(MW + 2);
  static const bool SIGNED = false;
  typedef ap_uint<bits_for(MW + 1)> sum_t;

  static long long number(const sum_t& sum) {
#pragma HLS INLINE
    return sum.to_uint64();
  }
  static long long common(const ap_uint<SIMD> (&)[1]) {
#pragma HLS INLINE
    return 0;
  }
  static long long product(const ap_uint<SIMD> (&x)[1], const ap_uint<SIMD>& weights) {
#pragma HLS INLINE
    return popcount<SIMD>(~(x[0] ^ weights));
  }
  static long long whole(long long sum) {
#pragma HLS INLINE
    return 2 * sum - MW;
  }
};

template <int MW, int MH, int PE, int SIMD, int N_THRESHOLDS, int OUT_BITS, int OUT_BIAS,
          int N_SETS, int N_VECTORS>
void xnor_mvau(hls::stream<ap_uint<SIMD> >& s_axis, hls::stream<ap_uint<PE * OUT_BITS> >& m_axis,
               const limb_t (&weights)[MH / PE * (MW / SIMD)][limbs(PE * SIMD)],
               const limb_t (&thresholds)[N_THRESHOLDS > 0 ? N_SETS * (MH / PE) : 1]
                                         [limbs(PE * N_THRESHOLDS * bits_for(MW + 2))],
               const limb_t (&sets)[N_SETS > 1 ? N_VECTORS : 1][1], unsigned vectors) {
#pragma HLS ARRAY_RESHAPE variable=weights dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=thresholds dim=2 complete
  static_assert(MW % SIMD == 0 && MH % PE == 0, "SIMD divides MW, PE divides MH");
  static_assert(N_THRESHOLDS > 0 || OUT_BITS > bits_for(MW + 1), "OUT_BITS hold the dot product");
  mvau<xnor_unit<MW, SIMD>, MW / SIMD, MH / PE, PE, SIMD, N_THRESHOLDS, OUT_BITS, OUT_BIAS, N_SETS,
       N_VECTORS>(s_axis, m_axis, weights, thresholds, sets, vectors);
}

}  // namespace hw_bnn
