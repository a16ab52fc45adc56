// stream_fork: one stream to N consumers; twin of stream_fork.sv.
//
// One flat loop: one step a word, initiation interval 1. A word goes to all outputs in one step, so
// each output needs a stream deep enough for what the others are behind.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <int BITS, int N>
void stream_fork(hls::stream<ap_uint<BITS> >& s_axis, hls::stream<ap_uint<BITS> > (&m_axis)[N],
                 unsigned words) {
  for (unsigned step = 0; step < words; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    const ap_uint<BITS> word = s_axis.read();
    for (int i = 0; i < N; i++) {
#pragma HLS UNROLL
      m_axis[i].write(word);
    }
  }
}

}  // namespace hw_bnn
