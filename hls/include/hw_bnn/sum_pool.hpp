// sum_pool: sums per channel over windows, global pools included; twin of bnn_sum_pool.sv.
//
//   out[oy][ox][c] = floor(sum of in[oy*STRIDE_H + kh][ox*STRIDE_W + kw][c] / 2^SHIFT)
//
// Elements are unsigned, two's complement (IN_SIGNED) or +-1 (IN_BIPOLAR); borders count as 0.
// One flat loop: one step a word of the padded frame, initiation interval 1 (pool2d.hpp).
#pragma once

#include "pool2d.hpp"

namespace hw_bnn {

template <int SIMD, int IN_BITS, bool IN_SIGNED, bool IN_BIPOLAR, int OUT_BITS, int SHIFT,
          int SUM_BITS>
struct sum_reduce {
  static const bool SIGNED = IN_SIGNED || IN_BIPOLAR;
  typedef ap_uint<SIMD * IN_BITS> in_t;
  typedef ap_uint<SIMD * SUM_BITS> word_t;
  typedef ap_uint<SIMD * OUT_BITS> out_t;

  static word_t inner(const in_t& word, const limb_t (&)[limbs(SIMD)]) {
#pragma HLS INLINE
    word_t values = 0;
    for (int s = 0; s < SIMD; s++) {
#pragma HLS UNROLL
      const long long given = number<IN_BITS, IN_SIGNED>(element<IN_BITS>(word, s));
      set_element<SUM_BITS>(values, s, (limb_t)(IN_BIPOLAR ? 2 * given - 1 : given));
    }
    return values;
  }
  static word_t together(const word_t& a, const word_t& b) {
#pragma HLS INLINE
    word_t sums = 0;
    for (int s = 0; s < SIMD; s++) {
#pragma HLS UNROLL
      set_element<SUM_BITS>(sums, s, element<SUM_BITS>(a, s) + element<SUM_BITS>(b, s));
    }
    return sums;
  }
  static out_t outer(const word_t& sums, const limb_t (&)[limbs(SIMD)]) {
#pragma HLS INLINE
    out_t word = 0;
    for (int s = 0; s < SIMD; s++) {
#pragma HLS UNROLL
      const long long sum = number<SUM_BITS, SIGNED>(element<SUM_BITS>(sums, s));
      set_element<OUT_BITS>(word, s, (limb_t)(sum >> SHIFT));
    }
    return word;
  }
};

template <int IFM_H, int IFM_W, int CHANNELS, int SIMD, int IN_BITS, bool IN_SIGNED,
          bool IN_BIPOLAR, int OUT_BITS, int SHIFT, int K_H, int K_W, int STRIDE_H, int STRIDE_W,
          int PAD_T, int PAD_B, int PAD_L, int PAD_R>
void sum_pool(hls::stream<ap_uint<SIMD * IN_BITS> >& s_axis,
              hls::stream<ap_uint<SIMD * OUT_BITS> >& m_axis, unsigned frames) {
  const int SUM_BITS = IN_BIPOLAR ? 1 + bits_for(K_H * K_W + 1)
                                  : bits_for(K_H * K_W * ((1ll << IN_BITS) - 1) + 1) + IN_SIGNED;
  static const limb_t none[CHANNELS / SIMD][limbs(SIMD)] = {};
  pool2d<sum_reduce<SIMD, IN_BITS, IN_SIGNED, IN_BIPOLAR, OUT_BITS, SHIFT, SUM_BITS>, IFM_H, IFM_W,
         CHANNELS, SIMD, K_H, K_W, STRIDE_H, STRIDE_W, PAD_T, PAD_B, PAD_L, PAD_R>(s_axis, m_axis,
                                                                                  none, frames);
}

}  // namespace hw_bnn
