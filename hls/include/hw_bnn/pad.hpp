// pad: a frame surrounded by a constant; twin of bnn_pad.sv.
//
//   out[y][x][c] = in[y - PAD_T][x - PAD_L][c] inside the image, VALUE outside
//
// NHWC: a pixel is CF = CHANNELS/SIMD words, channel fastest.
// One flat loop: one step a word of the padded frame, initiation interval 1.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <int IFM_H, int IFM_W, int CHANNELS, int SIMD, int BITS, int PAD_T, int PAD_B, int PAD_L,
          int PAD_R, int VALUE>
void pad(hls::stream<ap_uint<SIMD * BITS> >& s_axis, hls::stream<ap_uint<SIMD * BITS> >& m_axis,
         unsigned frames) {
  static_assert(CHANNELS % SIMD == 0, "SIMD divides the channels");
  const int CF = CHANNELS / SIMD, OFM_H = PAD_T + IFM_H + PAD_B, OFM_W = PAD_L + IFM_W + PAD_R;
  ap_uint<SIMD * BITS> border = 0;
  for (int s = 0; s < SIMD; s++) {
#pragma HLS UNROLL
    set_element<BITS>(border, s, (limb_t)(long long)VALUE);
  }
  int cf = 0, x = 0, y = 0;
  const unsigned steps = frames * (OFM_H * OFM_W * CF);
  for (unsigned step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    const bool inside = y >= PAD_T && y < PAD_T + IFM_H && x >= PAD_L && x < PAD_L + IFM_W;
    ap_uint<SIMD * BITS> word = border;
    if (inside) word = s_axis.read();
    m_axis.write(word);
    if (cf != CF - 1) {
      cf++;
    } else {
      cf = 0;
      if (x != OFM_W - 1) {
        x++;
      } else {
        x = 0;
        y = y == OFM_H - 1 ? 0 : y + 1;
      }
    }
  }
}

}  // namespace hw_bnn
