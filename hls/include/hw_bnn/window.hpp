// window: the K_H x K_W windows of a convolution or pool (im2col); twin of bnn_window.sv.
//
//   OFM = floor((IFM - DILATION*(K-1) - 1) / STRIDE) + 1 per axis. For each output position,
//   K_H*K_W*CF words, CF = CHANNELS/SIMD:
//   DEPTHWISE=0: for kh, for kw, for cf  -> input (kh*K_W+kw)*CHANNELS + c of a dense MVAU
//   DEPTHWISE=1: for cf, for kh, for kw  -> all of a channel's window together
//
// A ring of DEPTH words holds the part of the image that is still needed (0: window_depth()). In
// each step a word enters where there is room and one leaves where it is there already, so that
// rows load while windows leave. All of a frame's words enter before the next frame begins: what
// comes out never waits for a later frame.
// One flat loop, initiation interval 1; a frame takes window_steps() steps.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <int IFM_H, int IFM_W, int CHANNELS, int SIMD, int K_H, int K_W, int STRIDE_H,
          int STRIDE_W, int DILATION_H, int DILATION_W, bool DEPTHWISE>
struct window_shape {
  static const int CF = CHANNELS / SIMD;
  static const int SPAN_H = (K_H - 1) * DILATION_H + 1, SPAN_W = (K_W - 1) * DILATION_W + 1;
  static const int OFM_H = (IFM_H - SPAN_H) / STRIDE_H + 1;
  static const int OFM_W = (IFM_W - SPAN_W) / STRIDE_W + 1;
  static const int FRAME = IFM_H * IFM_W * CF;
  // The five loops, innermost first: their lengths and the distance of a step of each.
  static const int N0 = DEPTHWISE ? K_W : CF, N1 = DEPTHWISE ? K_H : K_W;
  static const int N2 = DEPTHWISE ? CF : K_H, N3 = OFM_W, N4 = OFM_H;
  static const int S0 = DEPTHWISE ? DILATION_W * CF : 1;
  static const int S1 = (DEPTHWISE ? DILATION_H * IFM_W : DILATION_W) * CF;
  static const int S2 = DEPTHWISE ? 1 : DILATION_H * IFM_W * CF;
  static const int S3 = STRIDE_W * CF, S4 = STRIDE_H * IFM_W * CF;
  static const int BACK1 = (N0 - 1) * S0, BACK2 = BACK1 + (N1 - 1) * S1;
  static const int BACK3 = BACK2 + (N2 - 1) * S2, BACK4 = BACK3 + (N3 - 1) * S3;
  // How far the window's first word moves: to the next column, to the next row.
  static const int JUMP3 = S3, JUMP4 = S4 - (N3 - 1) * S3;
  static const int WORDS_OUT = OFM_H * OFM_W * K_H * K_W * CF;
  // From a window's first word to its last, and the longest move of the window.
  static const int SPAN = ((SPAN_H - 1) * IFM_W + SPAN_W) * CF;
  static const int ENOUGH = SPAN + larger(N3 > 1 ? JUMP3 : 0, N4 > 1 ? JUMP4 : 0);
};

template <int IFM_H, int IFM_W, int CHANNELS, int SIMD, int BITS, int K_H, int K_W, int STRIDE_H,
          int STRIDE_W, int DILATION_H, int DILATION_W, bool DEPTHWISE, int DEPTH>
void window(hls::stream<ap_uint<SIMD * BITS> >& s_axis, hls::stream<ap_uint<SIMD * BITS> >& m_axis,
            unsigned frames) {
  typedef window_shape<IFM_H, IFM_W, CHANNELS, SIMD, K_H, K_W, STRIDE_H, STRIDE_W, DILATION_H,
                       DILATION_W, DEPTHWISE>
      shape;
  static_assert(CHANNELS % SIMD == 0, "SIMD divides the channels");
  static_assert(shape::SPAN_H <= IFM_H && shape::SPAN_W <= IFM_W, "the window fits the image");
  static_assert(DEPTH == 0 || DEPTH >= shape::SPAN, "the ring holds a window");
  const int RING = DEPTH == 0 ? shape::ENOUGH : DEPTH;
  ap_uint<SIMD * BITS> ring[RING];
  int k0 = 0, k1 = 0, k2 = 0, k3 = 0, k4 = 0;
  int write_at = 0, read_at = 0;
  int room = RING - 1;  // base + RING - written - 1: a word may enter while it is not negative
  int ahead = -1;       // written - index to be read - 1: a word may leave while it is not negative
  int to_write = shape::FRAME;
  bool reading = true;  // a word of this frame is still to be given
  unsigned frame = 0;
  while (frame != frames) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    const bool enter = to_write != 0 && (room >= 0 || !reading);
    const bool leave = reading && ahead >= 0;
    ap_uint<SIMD * BITS> given = 0;
    if (enter) given = s_axis.read();
    if (leave) {
      m_axis.write(ring[read_at]);
      int move = 0, jump = 0;
      if (k0 != shape::N0 - 1) {
        k0++;
        move = shape::S0;
      } else {
        k0 = 0;
        if (k1 != shape::N1 - 1) {
          k1++;
          move = shape::S1 - shape::BACK1;
        } else {
          k1 = 0;
          if (k2 != shape::N2 - 1) {
            k2++;
            move = shape::S2 - shape::BACK2;
          } else {
            k2 = 0;
            if (k3 != shape::N3 - 1) {
              k3++;
              move = shape::S3 - shape::BACK3;
              jump = shape::JUMP3;
            } else {
              k3 = 0;
              if (k4 != shape::N4 - 1) {
                k4++;
                move = shape::S4 - shape::BACK4;
                jump = shape::JUMP4;
              } else {
                k4 = 0;
                reading = false;
              }
            }
          }
        }
      }
      read_at += move % RING;
      if (read_at >= RING) read_at -= RING;
      if (read_at < 0) read_at += RING;
      ahead -= move;
      room += jump;
    }
    if (enter) {
      ring[write_at] = given;
      write_at = write_at == RING - 1 ? 0 : write_at + 1;
      to_write--;
      ahead++;
      room--;
    }
    if (!reading && to_write == 0) {
      frame++;
      write_at = 0;
      read_at = 0;
      room = RING - 1;
      ahead = -1;
      to_write = shape::FRAME;
      reading = true;
    }
  }
}

}  // namespace hw_bnn
