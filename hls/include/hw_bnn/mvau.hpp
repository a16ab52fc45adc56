// mvau: what the matrix-vector units share, the folded loop; twin of bnn_mvau_feed.sv and
// bnn_mvau_result.sv.
//
// Unit says what is summed. An input element is Unit::BITS bits, and a word is taken apart into as
// many planes: plane b has bit b of each element; a weight is Unit::WEIGHT_BITS bits. For each step,
// with planes x and a lane's weights,
//
//   sum += Unit::common(x) + Unit::product(x, weights)       Unit::sum_t, a lane's accumulator
//
// and where an output element's last words have been added, y = Unit::whole(sum) without
// thresholds, otherwise its level (level.hpp), thresholds of Unit::TH_BITS bits each.
//
// Folding: NF = MH/PE, SF = MW/SIMD; in step (nf, sf) input word sf meets the weights' row
// nf*SF + sf; the thresholds' row is set*NF + nf, set = sets[vector].
// One flat loop: NF*SF steps a vector, initiation interval 1.
#pragma once

#include "level.hpp"
#include "popcount.hpp"

namespace hw_bnn {

// A word as bit planes: bit b of element i goes to bit b*SIMD + i (wiring).
template <int SIMD, int BITS> ap_uint<SIMD * BITS> planes_of(const ap_uint<SIMD * BITS>& word) {
#pragma HLS INLINE
  if (BITS == 1) return word;
  ap_uint<SIMD * BITS> planes = 0;
  for (int i = 0; i < SIMD; i++) {
#pragma HLS UNROLL
    for (int b = 0; b < BITS; b++) {
#pragma HLS UNROLL
      planes[b * SIMD + i] = word[i * BITS + b];
    }
  }
  return planes;
}

template <typename Unit, int SF, int NF, int PE, int SIMD, int N_THRESHOLDS, int OUT_BITS,
          int OUT_BIAS, int N_SETS, int N_VECTORS>
void mvau(hls::stream<ap_uint<SIMD * Unit::BITS> >& s_axis,
          hls::stream<ap_uint<PE * OUT_BITS> >& m_axis,
          const limb_t (&weights)[NF * SF][limbs(PE * SIMD * Unit::WEIGHT_BITS)],
          const limb_t (&thresholds)[N_THRESHOLDS > 0 ? N_SETS * NF : 1]
                                    [limbs(PE * N_THRESHOLDS * Unit::TH_BITS)],
          const limb_t (&sets)[N_SETS > 1 ? N_VECTORS : 1][1], unsigned vectors) {
  ap_uint<SIMD * Unit::BITS> kept[SF];
  typename Unit::sum_t acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc dim=1 complete
  const int LANE = SIMD * Unit::WEIGHT_BITS;  // bits of a lane's weights
  unsigned nf = 0, sf = 0, vector = 0;
  const unsigned steps = vectors * (NF * SF);
  for (unsigned step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    if (nf == 0) kept[sf] = planes_of<SIMD, Unit::BITS>(s_axis.read());
    const ap_uint<SIMD * Unit::BITS> word = kept[sf];
    ap_uint<SIMD> x[Unit::BITS];
#pragma HLS ARRAY_PARTITION variable=x dim=1 complete
    for (int b = 0; b < Unit::BITS; b++) {
#pragma HLS UNROLL
      x[b] = word.range(b * SIMD + SIMD - 1, b * SIMD);
    }
    const long long common = Unit::common(x);
    const limb_t(&row)[limbs(PE * LANE)] = weights[nf * SF + sf];
    for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
      const long long before = sf == 0 ? 0 : Unit::number(acc[pe]);
      acc[pe] = before + common + Unit::product(x, field<LANE>(row, pe * LANE));
    }
    if (sf == SF - 1) {
      const unsigned set = N_SETS > 1 ? (unsigned)sets[N_SETS > 1 ? vector : 0][0] : 0;
      ap_uint<PE * OUT_BITS> y = 0;
      for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
        const long long sum = Unit::number(acc[pe]);
        const limb_t value =
            N_THRESHOLDS == 0
                ? (limb_t)Unit::whole(sum)
                : level<Unit::SIGNED, Unit::TH_BITS, N_THRESHOLDS, OUT_BITS, OUT_BIAS>(
                      sum, thresholds[N_THRESHOLDS > 0 ? set * NF + nf : 0], pe);
        set_element<OUT_BITS>(y, pe, value);
      }
      m_axis.write(y);
      sf = 0;
      nf = nf == NF - 1 ? 0 : nf + 1;
      if (nf == 0) vector = vector == N_VECTORS - 1 ? 0 : vector + 1;
    } else {
      sf++;
    }
  }
}

}  // namespace hw_bnn
