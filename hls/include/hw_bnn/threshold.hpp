// threshold: integers become levels, a channel's thresholds each; twin of bnn_threshold.sv.
//
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y = (x >= T)
//   otherwise:                       y = OUT_BIAS + #{t : x >= T[c][t]}, OUT_BITS two's complement
//   with bit c of `negate` set, ~x stands for x (the thresholds in the memory are made for that)
//
// A vector of CHANNELS elements is NF = CHANNELS/PE words; channel c = nf*PE + pe. Memories are
// those of the RTL: thresholds address set*NF+nf, TH_BITS = IN_BITS+2; negate NF rows of PE bits.
// One flat loop: one step a word, initiation interval 1.
#pragma once

#include "level.hpp"

namespace hw_bnn {

template <int CHANNELS, int PE, int IN_BITS, bool IN_SIGNED, int N_THRESHOLDS, int OUT_BITS,
          int OUT_BIAS, int N_SETS, int N_VECTORS>
void threshold(hls::stream<ap_uint<PE * IN_BITS> >& s_axis,
               hls::stream<ap_uint<PE * OUT_BITS> >& m_axis,
               const limb_t (&thresholds)[N_SETS * (CHANNELS / PE)]
                                         [limbs(PE * N_THRESHOLDS * (IN_BITS + 2))],
               const limb_t (&sets)[N_SETS > 1 ? N_VECTORS : 1][1],
               const limb_t (&negate)[CHANNELS / PE][limbs(PE)], unsigned vectors) {
  static_assert(CHANNELS % PE == 0, "PE divides the channels");
  const int NF = CHANNELS / PE, TH_BITS = IN_BITS + 2;
#pragma HLS ARRAY_RESHAPE variable=thresholds dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=negate dim=2 complete
  unsigned nf = 0, vector = 0;
  const unsigned steps = vectors * NF;
  for (unsigned step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    const ap_uint<PE * IN_BITS> x = s_axis.read();
    const unsigned set = N_SETS > 1 ? (unsigned)sets[N_SETS > 1 ? vector : 0][0] : 0;
    ap_uint<PE * OUT_BITS> y = 0;
    for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
      const long long given = number<IN_BITS, IN_SIGNED>(element<IN_BITS>(x, pe));
      const bool falling = field<1>(negate[nf], pe).to_uint64() != 0;
      const limb_t value = level<true, TH_BITS, N_THRESHOLDS, OUT_BITS, OUT_BIAS>(
          falling ? ~given : given, thresholds[set * NF + nf], pe);
      set_element<OUT_BITS>(y, pe, value);
    }
    m_axis.write(y);
    nf = nf == NF - 1 ? 0 : nf + 1;
    if (nf == 0) vector = vector == N_VECTORS - 1 ? 0 : vector + 1;
  }
}

}  // namespace hw_bnn
