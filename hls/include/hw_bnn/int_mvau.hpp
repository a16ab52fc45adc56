// int_mvau: matrix-vector product of n-bit integers by +-1 weights; twin of int_mvau.sv.
//
//   acc[c] = sum_i x[i] * (2*W[c][i] - 1)      modulo 2^ACC_BITS, two's complement
//
// which is formed bit plane by bit plane, x[i] = sum_b s_b 2^b x_b[i] (s_b = -1 for a sign bit):
//
//   acc[c] = sum_b s_b 2^b (2 popcount(x_b & W[c]) - popcount(x_b))
//
//   N_THRESHOLDS = 0:  y[c] = acc[c]                          OUT_BITS two's complement
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y[c] = (acc[c] >= T)
//   otherwise:  y[c] = OUT_BIAS + #{t : acc[c] >= T[c][t]}    OUT_BITS two's complement
//
// Folding, words and memories are those of the RTL: NF = MH/PE, SF = MW/SIMD, address nf*SF+sf.
// One flat loop: NF*SF steps a vector, initiation interval 1.
#pragma once

#include "level.hpp"
#include "popcount.hpp"

namespace hw_bnn {

// A word as bit planes: bit b of element i goes to bit b*SIMD + i (wiring).
template <int SIMD, int BITS> ap_uint<SIMD * BITS> planes_of(const ap_uint<SIMD * BITS>& word) {
#pragma HLS INLINE
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

template <int MW, int MH, int PE, int SIMD, int IN_BITS, bool IN_SIGNED, int ACC_BITS,
          int N_THRESHOLDS, int OUT_BITS, int OUT_BIAS, int N_SETS, int N_VECTORS>
void int_mvau(hls::stream<ap_uint<SIMD * IN_BITS> >& s_axis,
              hls::stream<ap_uint<PE * OUT_BITS> >& m_axis,
              const limb_t (&weights)[MH / PE * (MW / SIMD)][limbs(PE * SIMD)],
              const limb_t (&thresholds)[N_THRESHOLDS > 0 ? N_SETS * (MH / PE) : 1]
                                        [limbs(PE * N_THRESHOLDS * (ACC_BITS + 1))],
              const limb_t (&sets)[N_SETS > 1 ? N_VECTORS : 1][1], unsigned vectors) {
  static_assert(MW % SIMD == 0 && MH % PE == 0, "SIMD divides MW, PE divides MH");
  static_assert(N_THRESHOLDS > 0 || OUT_BITS >= ACC_BITS, "OUT_BITS hold the accumulator");
  const int NF = MH / PE, SF = MW / SIMD, TH_BITS = ACC_BITS + 1;
#pragma HLS ARRAY_RESHAPE variable=weights dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=thresholds dim=2 complete
  ap_uint<SIMD * IN_BITS> kept[SF];
  ap_int<ACC_BITS> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc dim=1 complete
  unsigned nf = 0, sf = 0, vector = 0;
  const unsigned steps = vectors * (NF * SF);
  for (unsigned step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    if (nf == 0) kept[sf] = planes_of<SIMD, IN_BITS>(s_axis.read());
    const ap_uint<SIMD * IN_BITS> x = kept[sf];
    const limb_t(&row)[limbs(PE * SIMD)] = weights[nf * SF + sf];
    ap_uint<SIMD> plane[IN_BITS];
#pragma HLS ARRAY_PARTITION variable=plane dim=1 complete
    long long total = 0;  // the part that all channels share: sum_i x[i]
    for (int b = 0; b < IN_BITS; b++) {
#pragma HLS UNROLL
      plane[b] = x.range(b * SIMD + SIMD - 1, b * SIMD);
      const long long weighted = (long long)popcount<SIMD>(plane[b]) << b;
      total += IN_SIGNED && b == IN_BITS - 1 ? -weighted : weighted;
    }
    for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
      const ap_uint<SIMD> mask = field<SIMD>(row, pe * SIMD);
      long long positive = 0;  // sum of the x[i] with weight +1
      for (int b = 0; b < IN_BITS; b++) {
#pragma HLS UNROLL
        const long long weighted = (long long)popcount<SIMD>(plane[b] & mask) << b;
        positive += IN_SIGNED && b == IN_BITS - 1 ? -weighted : weighted;
      }
      acc[pe] = (sf == 0 ? 0 : acc[pe].to_int64()) + 2 * positive - total;
    }
    if (sf == SF - 1) {
      const unsigned set = N_SETS > 1 ? (unsigned)sets[N_SETS > 1 ? vector : 0][0] : 0;
      ap_uint<PE * OUT_BITS> y = 0;
      for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
        const long long sum = acc[pe].to_int64();
        const limb_t value = N_THRESHOLDS == 0
                                 ? (limb_t)sum
                                 : level<true, TH_BITS, N_THRESHOLDS, OUT_BITS, OUT_BIAS>(
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
