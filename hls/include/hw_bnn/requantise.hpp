// requantise: integers on one scale become integers on another; twin of bnn_requantise.sv.
//
//   y[c] = clip((gain[c]*x[c] + offset[c]) >> SHIFT, LOW, HIGH)
//
// HALF_EVEN: where the SHIFT bits that go are all 0, the lowest bit that stays goes, too (the half
// stands in the offset). PIECES = 2: the upper piece's numbers from x = at[c] on, else the lower's.
//
// A vector of CHANNELS elements is NF = CHANNELS/PE words; channel c = nf*PE + pe. The table is that
// of the RTL: NF rows, lane after lane gain, offset (a piece after the other), at.
// One flat loop: one step a word, initiation interval 1.
#pragma once

#include "word.hpp"

namespace hw_bnn {

constexpr int requantise_entry(int pieces, int piece_bits, int in_bits) {
  return pieces == 1 ? piece_bits : 2 * piece_bits + in_bits + 1;
}

template <int CHANNELS, int PE, int IN_BITS, bool IN_SIGNED, int OUT_BITS, int LOW, int HIGH,
          int SHIFT, bool HALF_EVEN, int PIECES, int GAIN_BITS, int OFFSET_BITS, int SUM_BITS>
void requantise(hls::stream<ap_uint<PE * IN_BITS> >& s_axis,
                hls::stream<ap_uint<PE * OUT_BITS> >& m_axis,
                const limb_t (&table)[CHANNELS / PE][limbs(
                    PE * requantise_entry(PIECES, GAIN_BITS + OFFSET_BITS, IN_BITS))],
                unsigned vectors) {
  static_assert(CHANNELS % PE == 0, "PE divides the channels");
  static_assert(SUM_BITS <= 64, "the sums fit 64 bits");
  const int NF = CHANNELS / PE, PIECE_BITS = GAIN_BITS + OFFSET_BITS;
  const int ENTRY_BITS = requantise_entry(PIECES, PIECE_BITS, IN_BITS);
#pragma HLS ARRAY_RESHAPE variable=table dim=2 complete
  unsigned nf = 0;
  const unsigned steps = vectors * NF;
  for (unsigned step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    const ap_uint<PE * IN_BITS> word = s_axis.read();
    ap_uint<PE * OUT_BITS> y = 0;
    for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
      const long long x = number<IN_BITS, IN_SIGNED>(element<IN_BITS>(word, pe));
      int start = pe * ENTRY_BITS;
      if (PIECES == 2) {
        const limb_t at = field<IN_BITS + 1>(table[nf], start + 2 * PIECE_BITS).to_uint64();
        if (x >= number<IN_BITS + 1, true>(at)) start += PIECE_BITS;
      }
      const limb_t gain = field<GAIN_BITS>(table[nf], start).to_uint64();
      const limb_t offset = field<OFFSET_BITS>(table[nf], start + GAIN_BITS).to_uint64();
      const long long total = number<GAIN_BITS, true>(gain) * x + number<OFFSET_BITS, true>(offset);
      long long r = total >> SHIFT;
      if (HALF_EVEN && SHIFT > 0 && r * (1LL << SHIFT) == total) r &= ~1LL;
      r = r < LOW ? LOW : r > HIGH ? HIGH : r;
      set_element<OUT_BITS>(y, pe, (limb_t)r);
    }
    m_axis.write(y);
    nf = nf == NF - 1 ? 0 : nf + 1;
  }
}

}  // namespace hw_bnn
