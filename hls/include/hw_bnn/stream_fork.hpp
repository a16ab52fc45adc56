// stream_fork: one stream to N consumers; twin of bnn_stream_fork.sv.
//
// One flat loop: one step a word, initiation interval 1. A word goes to all outputs in one step, so
// each output needs a stream deep enough for what the others are behind.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <typename Word> void write_all(const Word&) {}

template <typename Word, typename... Others>
void write_all(const Word& word, hls::stream<Word>& m_axis, Others&... others) {
#pragma HLS INLINE
  m_axis.write(word);
  write_all(word, others...);
}

template <int BITS, int N, typename... Streams>
void stream_fork(hls::stream<ap_uint<BITS> >& s_axis, unsigned words, Streams&... m_axis) {
  static_assert(sizeof...(Streams) == N, "N outputs");
  for (unsigned step = 0; step < words; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    write_all(s_axis.read(), m_axis...);
  }
}

}  // namespace hw_bnn
