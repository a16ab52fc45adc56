// affine_argmax: last stage; raw scores, the argmax label, or both; twin of bnn_affine_argmax.sv.
//
//   label = argmax_c A[c]*score[c] + B[c], ties to the lowest class; A_BITS = 0: of the scores
//   MODE 0: the scores; 1: the label, once a vector; 2: the scores, the label above those of the
//   vector's last word (0 in the others)
//
// A vector is NF = N/PE words. `affine` has NF rows, lane pe's A at bit pe*(A_BITS+B_BITS), its B
// above, two's complement; scores too unless IN_SIGNED = 0. One flat loop: one step a word, initiation interval 1.
#pragma once

#include "word.hpp"

namespace hw_bnn {

template <int N, int PE, int IN_BITS, int IN_SIGNED, int A_BITS, int B_BITS, int MODE,
          int SCORE_BITS, int LABEL_BITS>
void affine_argmax(hls::stream<ap_uint<PE * IN_BITS> >& s_axis,
                   hls::stream<ap_uint<(MODE == 1 ? 0 : PE * SCORE_BITS) +
                                       (MODE == 0 ? 0 : LABEL_BITS)> >& m_axis,
                   const limb_t (&affine)[A_BITS > 0 ? N / PE : 1][limbs(PE * (A_BITS + B_BITS))],
                   unsigned vectors) {
  static_assert(N % PE == 0, "PE divides N");
  static_assert(IN_BITS + 1 + A_BITS < 63 && B_BITS < 63, "values fit 64 bits");
  const int NF = N / PE, SCORES = MODE == 1 ? 0 : PE * SCORE_BITS;
  const int OUT = SCORES + (MODE == 0 ? 0 : LABEL_BITS);
  const int LANE = A_BITS + B_BITS, AW = larger(A_BITS, 1), BW = larger(B_BITS, 1);
#pragma HLS ARRAY_RESHAPE variable=affine dim=2 complete
  unsigned nf = 0;
  limb_t label = 0;
  long long best = 0;
  const unsigned steps = vectors * NF;
  for (unsigned step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    const ap_uint<PE * IN_BITS> x = s_axis.read();
    ap_uint<OUT> y = 0;
    for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
      const long long score = number<IN_BITS, IN_SIGNED != 0>(element<IN_BITS>(x, pe));
      long long value = score;
      if (A_BITS > 0) {
        const limb_t a = field<AW>(affine[A_BITS > 0 ? nf : 0], pe * LANE).to_uint64();
        const limb_t b = field<BW>(affine[A_BITS > 0 ? nf : 0], pe * LANE + A_BITS).to_uint64();
        value = number<AW, true>(a) * score + number<BW, true>(b);
      }
      if ((nf == 0 && pe == 0) || value > best) {
        best = value;
        label = nf * PE + pe;
      }
      if (MODE != 1) {
        y.range(pe * SCORE_BITS + SCORE_BITS - 1, pe * SCORE_BITS) =
            ap_uint<SCORE_BITS>((limb_t)score);
      }
    }
    const bool last = nf == NF - 1;
    if (MODE != 0 && last) y.range(OUT - 1, SCORES) = ap_uint<LABEL_BITS>(label);
    if (MODE != 1 || last) m_axis.write(y);
    nf = last ? 0 : nf + 1;
  }
}

}  // namespace hw_bnn
