// width_converter: a frame's bits cut into other words; twin of bnn_width_converter.sv.
//
// The FRAME_BITS bits of a frame come in words of IN_BITS and go out in words of OUT_BITS, the last
// word filled with zeros; what stands above the frame's last bit is ignored.
// One flat loop, initiation interval 1: a frame takes as many steps as the side with more words has
// (one more where the last word in leaves two words to give).
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <int IN_BITS, int OUT_BITS, int FRAME_BITS>
void width_converter(hls::stream<ap_uint<IN_BITS> >& s_axis, hls::stream<ap_uint<OUT_BITS> >& m_axis,
                     unsigned frames) {
  const int IN_WORDS = (FRAME_BITS + IN_BITS - 1) / IN_BITS;
  const int OUT_WORDS = (FRAME_BITS + OUT_BITS - 1) / OUT_BITS;
  const int LAST_BITS = FRAME_BITS - (IN_WORDS - 1) * IN_BITS;  // useful ones of the last word
  const int QUEUE = IN_BITS + OUT_BITS;
  ap_uint<QUEUE> queue = 0;
  int fill = 0, word_in = 0, word_out = 0;
  unsigned frame = 0;
  while (frame != frames) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    if (fill < OUT_BITS && word_in != IN_WORDS) {
      ap_uint<IN_BITS> data = s_axis.read();
      const bool last = word_in == IN_WORDS - 1;
      if (last) data = ap_uint<LAST_BITS>(data);
      queue = queue | (ap_uint<QUEUE>(data) << fill);
      fill += last ? LAST_BITS : IN_BITS;
      word_in++;
    }
    if (fill >= OUT_BITS || word_in == IN_WORDS) {
      m_axis.write(ap_uint<OUT_BITS>(queue));
      queue = queue >> OUT_BITS;
      fill = fill > OUT_BITS ? fill - OUT_BITS : 0;
      if (word_out == OUT_WORDS - 1) {
        word_out = 0;
        word_in = 0;
        frame++;
      } else {
        word_out++;
      }
    }
  }
}

}  // namespace hw_bnn
