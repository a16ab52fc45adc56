// add: scaled sum of two streams; twin of bnn_add.sv.
//
//   out = A_SCALE * a + B_SCALE * b
//
// Elements are unsigned, two's complement (SIGNED) or +-1 (BIPOLAR).
// One flat loop: one step a word, initiation interval 1.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <int PE, int A_BITS, bool A_SIGNED, bool A_BIPOLAR, int A_SCALE, int B_BITS, bool B_SIGNED,
          bool B_BIPOLAR, int B_SCALE, int OUT_BITS>
void add(hls::stream<ap_uint<PE * A_BITS> >& s_axis_a, hls::stream<ap_uint<PE * B_BITS> >& s_axis_b,
         hls::stream<ap_uint<PE * OUT_BITS> >& m_axis, unsigned words) {
  for (unsigned step = 0; step < words; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    const ap_uint<PE * A_BITS> left = s_axis_a.read();
    const ap_uint<PE * B_BITS> right = s_axis_b.read();
    ap_uint<PE * OUT_BITS> sums = 0;
    for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
      const long long a = number<A_BITS, A_SIGNED>(element<A_BITS>(left, pe));
      const long long b = number<B_BITS, B_SIGNED>(element<B_BITS>(right, pe));
      const long long sum =
          A_SCALE * (A_BIPOLAR ? 2 * a - 1 : a) + B_SCALE * (B_BIPOLAR ? 2 * b - 1 : b);
      set_element<OUT_BITS>(sums, pe, (limb_t)sum);
    }
    m_axis.write(sums);
  }
}

}  // namespace hw_bnn
