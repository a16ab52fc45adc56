// max_pool: maximum or minimum per channel over windows; single bits: OR and AND; twin of
// max_pool.sv.
//
//   out[oy][ox][c] = max or min of in[oy*STRIDE_H + kh][ox*STRIDE_W + kw][c], kh < K_H, kw < K_W
//
// Elements are mapped to unsigned keys, whose maximum is wanted and whose 0 is neutral (the
// border): key = in, its sign bit inverted if SIGNED, all bits inverted where `minimum` has a 1
// (CHANNELS/SIMD rows of SIMD bits, as in the RTL's file; all zeros: maximum everywhere).
// One flat loop: one step a word of the padded frame, initiation interval 1 (pool2d.hpp).
#pragma once

#include "pool2d.hpp"

namespace hw_bnn {

template <int SIMD, int BITS, bool SIGNED> struct max_reduce {
  typedef ap_uint<SIMD * BITS> word_t;
  typedef word_t in_t;
  typedef word_t out_t;

  static word_t inner(const word_t& word, const limb_t (&minimum)[limbs(SIMD)]) {
#pragma HLS INLINE
    if (BITS == 1) {
      const ap_uint<SIMD> flip = field<SIMD>(minimum, 0);
      return word ^ (SIGNED ? word_t(~flip) : word_t(flip));
    }
    const limb_t sign = SIGNED ? 1ull << (BITS - 1) : 0, ones = ~0ull >> (64 - BITS);
    word_t key = 0;
    for (int s = 0; s < SIMD; s++) {
#pragma HLS UNROLL
      const limb_t flip = field<1>(minimum, s).to_uint64() ? ones ^ sign : sign;
      set_element<BITS>(key, s, element<BITS>(word, s) ^ flip);
    }
    return key;
  }
  static word_t outer(const word_t& key, const limb_t (&minimum)[limbs(SIMD)]) {
#pragma HLS INLINE
    return inner(key, minimum);
  }
  static word_t together(const word_t& a, const word_t& b) {
#pragma HLS INLINE
    if (BITS == 1) return a | b;
    word_t result = 0;
    for (int s = 0; s < SIMD; s++) {
#pragma HLS UNROLL
      const limb_t left = element<BITS>(a, s), right = element<BITS>(b, s);
      set_element<BITS>(result, s, left > right ? left : right);
    }
    return result;
  }
};

template <int IFM_H, int IFM_W, int CHANNELS, int SIMD, int BITS, bool SIGNED, int K_H, int K_W,
          int STRIDE_H, int STRIDE_W, int PAD_T, int PAD_B, int PAD_L, int PAD_R>
void max_pool(hls::stream<ap_uint<SIMD * BITS> >& s_axis,
              hls::stream<ap_uint<SIMD * BITS> >& m_axis,
              const limb_t (&minimum)[CHANNELS / SIMD][limbs(SIMD)], unsigned frames) {
#pragma HLS ARRAY_RESHAPE variable=minimum dim=2 complete
  pool2d<max_reduce<SIMD, BITS, SIGNED>, IFM_H, IFM_W, CHANNELS, SIMD, K_H, K_W, STRIDE_H, STRIDE_W,
         PAD_T, PAD_B, PAD_L, PAD_R>(s_axis, m_axis, minimum, frames);
}

}  // namespace hw_bnn
