// parallel_window: the K_H x K_W windows of a convolution, whole pixels of them a word; twin of
// bnn_parallel_window.sv.
//
//   OFM = floor((IFM - DILATION*(K-1) - 1) / STRIDE) + 1 per axis. For each output position,
//   CHUNKS = K_H*K_W*CHANNELS/SIMD words: for kh, for kw, for c.
//
// Line buffers hold the rows above the pixel that enters, registers the window; a pixel enters where
// no word of a window is left to be given.
// One flat loop, initiation interval 1; a frame takes IFM_H*IFM_W + OFM_H*OFM_W*(CHUNKS-1) steps.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <int IFM_H, int IFM_W, int CHANNELS, int SIMD, int BITS, int K_H, int K_W, int STRIDE_H,
          int STRIDE_W, int DILATION_H, int DILATION_W>
void parallel_window(hls::stream<ap_uint<CHANNELS * BITS> >& s_axis,
                     hls::stream<ap_uint<SIMD * BITS> >& m_axis, unsigned frames) {
  static_assert(SIMD % CHANNELS == 0, "an output word is whole pixels");
  static_assert(K_H * K_W * CHANNELS % SIMD == 0, "SIMD divides a window");
  const int SPAN_H = (K_H - 1) * DILATION_H + 1, SPAN_W = (K_W - 1) * DILATION_W + 1;
  static_assert(SPAN_H <= IFM_H && SPAN_W <= IFM_W, "the window fits the image");
  const int OFM_H = (IFM_H - SPAN_H) / STRIDE_H + 1, OFM_W = (IFM_W - SPAN_W) / STRIDE_W + 1;
  const int PIXELS = SIMD / CHANNELS, CHUNKS = K_H * K_W / PIXELS, PIXEL = CHANNELS * BITS;
  typedef ap_uint<PIXEL> pixel_t;
  pixel_t lines[larger(SPAN_H - 1, 1)][IFM_W];  // [k]: the row k+1 above
  pixel_t window[K_H][SPAN_W];                  // the newest pixel last
#pragma HLS ARRAY_PARTITION variable=lines dim=1 complete
#pragma HLS ARRAY_PARTITION variable=window dim=0 complete
  int x = 0, y = 0, until_x = SPAN_W - 1, until_y = SPAN_H - 1, chunk = 0;
  const unsigned steps = frames * (IFM_H * IFM_W + OFM_H * OFM_W * (CHUNKS - 1));
  for (unsigned step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    bool give = chunk != 0;
    if (!give) {
      pixel_t column[SPAN_H];  // [k]: k rows above
#pragma HLS ARRAY_PARTITION variable=column dim=1 complete
      column[0] = s_axis.read();
      for (int k = 1; k < SPAN_H; k++) {
#pragma HLS UNROLL
        column[k] = lines[k - 1][x];
        lines[k - 1][x] = column[k - 1];
      }
      for (int kh = 0; kh < K_H; kh++) {
#pragma HLS UNROLL
        for (int i = 0; i < SPAN_W - 1; i++) window[kh][i] = window[kh][i + 1];
        window[kh][SPAN_W - 1] = column[(K_H - 1 - kh) * DILATION_H];
      }
      give = until_x == 0 && until_y == 0;
      until_x = until_x == 0 ? STRIDE_W - 1 : until_x - 1;
      if (x != IFM_W - 1) {
        x++;
      } else {
        x = 0;
        until_x = SPAN_W - 1;
        until_y = until_y == 0 ? STRIDE_H - 1 : until_y - 1;
        if (y != IFM_H - 1) {
          y++;
        } else {
          y = 0;
          until_y = SPAN_H - 1;
        }
      }
    }
    if (give) {
      ap_uint<SIMD * BITS> word = 0;
      for (int i = 0; i < PIXELS; i++) {
#pragma HLS UNROLL
        const int pixel = chunk * PIXELS + i;
        word = word | (ap_uint<SIMD * BITS>(window[pixel / K_W][pixel % K_W * DILATION_W])
                       << (i * PIXEL));
      }
      m_axis.write(word);
      chunk = chunk == CHUNKS - 1 ? 0 : chunk + 1;
    }
  }
}

}  // namespace hw_bnn
