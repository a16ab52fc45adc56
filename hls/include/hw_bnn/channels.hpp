// channels: some neighbouring channels of every pixel; twin of bnn_channels.sv.
//
//   out[pixel][word] = in[pixel][FIRST + word]   for word < TAKEN, of WORDS words a pixel
//
// One flat loop: one step a word of the input, initiation interval 1.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <int BITS, int WORDS, int FIRST, int TAKEN>
void channels(hls::stream<ap_uint<BITS> >& s_axis, hls::stream<ap_uint<BITS> >& m_axis,
              unsigned pixels) {
  unsigned count = 0;
  for (unsigned step = 0; step < pixels * WORDS; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    const ap_uint<BITS> word = s_axis.read();
    if (count >= FIRST && count < FIRST + TAKEN) m_axis.write(word);
    count = count == WORDS - 1 ? 0 : count + 1;
  }
}

}  // namespace hw_bnn
