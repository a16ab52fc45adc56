// pool2d: what max_pool and sum_pool share, a reduction over windows; twin of bnn_pool2d.sv.
//
// Reduce has two functions on words: `inner` makes of an input word what is reduced (SIMD elements
// of ROW_BITS bits), `together` reduces two of those. A window is reduced along the row with the
// K_W-1 words before, then along the column with K_H-1 kept rows; borders hold Reduce's neutral 0.
//
// NHWC: a pixel is CF = CHANNELS/SIMD words, channel fastest.
// One flat loop: one step a word of the padded frame, initiation interval 1.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <typename Reduce, int IFM_H, int IFM_W, int CHANNELS, int SIMD, int K_H, int K_W,
          int STRIDE_H, int STRIDE_W, int PAD_T, int PAD_B, int PAD_L, int PAD_R>
void pool2d(hls::stream<typename Reduce::in_t>& s_axis, hls::stream<typename Reduce::out_t>& m_axis,
            const limb_t (&lanes)[CHANNELS / SIMD][limbs(SIMD)], unsigned frames) {
  static_assert(CHANNELS % SIMD == 0, "SIMD divides the channels");
  static_assert(PAD_T < K_H && PAD_B < K_H && PAD_L < K_W && PAD_R < K_W,
                "every window has a pixel");
  typedef typename Reduce::word_t word_t;
  const int CF = CHANNELS / SIMD, HEIGHT = PAD_T + IFM_H + PAD_B, WIDTH = PAD_L + IFM_W + PAD_R;
  const int OFM_W = (WIDTH - K_W) / STRIDE_W + 1, OFM_H = (HEIGHT - K_H) / STRIDE_H + 1;
  word_t before[larger(K_W - 1, 1)][CF];         // [k]: the word k+1 pixels to the left
  word_t above[larger(K_H - 1, 1)][OFM_W * CF];  // [k]: the reduced row k+1 above
#pragma HLS ARRAY_PARTITION variable=before dim=1 complete
#pragma HLS ARRAY_PARTITION variable=above dim=1 complete
  int cf = 0, x = 0, y = 0, ox = 0, oy = 0;
  int until_x = K_W - 1, until_y = K_H - 1;  // pixels, rows until the next window ends
  const unsigned steps = frames * (HEIGHT * WIDTH * CF);
  for (unsigned step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    const bool inside = y >= PAD_T && y < PAD_T + IFM_H && x >= PAD_L && x < PAD_L + IFM_W;
    word_t row = 0;
    if (inside) row = Reduce::inner(s_axis.read(), lanes[cf]);
    word_t moved = row;
    for (int k = 0; k < K_W - 1; k++) {
#pragma HLS UNROLL
      const word_t kept = before[k][cf];
      before[k][cf] = moved;
      moved = kept;
      row = Reduce::together(row, kept);
    }
    if (until_x == 0 && ox < OFM_W) {
      word_t column = row;
      moved = row;
      for (int k = 0; k < K_H - 1; k++) {
#pragma HLS UNROLL
        const word_t kept = above[k][ox * CF + cf];
        above[k][ox * CF + cf] = moved;
        moved = kept;
        column = Reduce::together(column, kept);
      }
      if (until_y == 0 && oy < OFM_H) m_axis.write(Reduce::outer(column, lanes[cf]));
    }
    if (cf != CF - 1) {
      cf++;
    } else {
      cf = 0;
      if (until_x == 0) ox++;
      until_x = until_x == 0 ? STRIDE_W - 1 : until_x - 1;
      if (x != WIDTH - 1) {
        x++;
      } else {
        x = 0;
        ox = 0;
        until_x = K_W - 1;
        if (until_y == 0) oy++;
        until_y = until_y == 0 ? STRIDE_H - 1 : until_y - 1;
        if (y != HEIGHT - 1) {
          y++;
        } else {
          y = 0;
          oy = 0;
          until_y = K_H - 1;
        }
      }
    }
  }
}

}  // namespace hw_bnn
