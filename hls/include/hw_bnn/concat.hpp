// concat: two streams of pixels side by side; twin of bnn_concat.sv.
//
//   out[pixel] = (a[pixel], b[pixel]), as numbers of OUT_BITS
//
// Elements are unsigned, two's complement (SIGNED) or +-1 (BIPOLAR).
// One flat loop: one step a word of the output, initiation interval 1.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <int PE, int BITS, bool SIGNED, bool BIPOLAR, int OUT_BITS>
ap_uint<PE * OUT_BITS> widened(const ap_uint<PE * BITS>& word) {
#pragma HLS INLINE
  ap_uint<PE * OUT_BITS> values = 0;
  for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
    const long long given = number<BITS, SIGNED>(element<BITS>(word, pe));
    set_element<OUT_BITS>(values, pe, (limb_t)(BIPOLAR ? 2 * given - 1 : given));
  }
  return values;
}

template <int PE, int A_WORDS, int A_BITS, bool A_SIGNED, bool A_BIPOLAR, int B_WORDS, int B_BITS,
          bool B_SIGNED, bool B_BIPOLAR, int OUT_BITS>
void concat(hls::stream<ap_uint<PE * A_BITS> >& s_axis_a,
            hls::stream<ap_uint<PE * B_BITS> >& s_axis_b,
            hls::stream<ap_uint<PE * OUT_BITS> >& m_axis, unsigned pixels) {
  unsigned count = 0;
  for (unsigned step = 0; step < pixels * (A_WORDS + B_WORDS); step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    if (count < A_WORDS) {
      m_axis.write(widened<PE, A_BITS, A_SIGNED, A_BIPOLAR, OUT_BITS>(s_axis_a.read()));
    } else {
      m_axis.write(widened<PE, B_BITS, B_SIGNED, B_BIPOLAR, OUT_BITS>(s_axis_b.read()));
    }
    count = count == A_WORDS + B_WORDS - 1 ? 0 : count + 1;
  }
}

}  // namespace hw_bnn
