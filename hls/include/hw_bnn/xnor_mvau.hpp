// xnor_mvau: matrix-vector product of +-1 numbers by XNOR and popcount; twin of xnor_mvau.sv.
//
//   bit 1 = +1, bit 0 = -1, so that for each output channel c
//     P[c]   = sum_i (x[i] ~^ W[c][i])       popcount, in [0, MW]
//     dot[c] = 2*P[c] - MW                   the signed dot product
//
//   N_THRESHOLDS = 0:  y[c] = dot[c]                        OUT_BITS two's complement
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y[c] = (P[c] >= T)     T = 0 always on, T = MW+1 never on
//   otherwise:  y[c] = OUT_BIAS + #{t : P[c] >= T[c][t]}    OUT_BITS two's complement
//
// Folding, words and memories are those of the RTL: NF = MH/PE, SF = MW/SIMD, address nf*SF+sf.
// One flat loop: NF*SF steps a vector, initiation interval 1.
#pragma once

#include "level.hpp"
#include "popcount.hpp"

namespace hw_bnn {

template <int MW, int MH, int PE, int SIMD, int N_THRESHOLDS, int OUT_BITS, int OUT_BIAS,
          int N_SETS, int N_VECTORS>
void xnor_mvau(hls::stream<ap_uint<SIMD> >& s_axis, hls::stream<ap_uint<PE * OUT_BITS> >& m_axis,
               const limb_t (&weights)[MH / PE * (MW / SIMD)][limbs(PE * SIMD)],
               const limb_t (&thresholds)[N_THRESHOLDS > 0 ? N_SETS * (MH / PE) : 1]
                                         [limbs(PE * N_THRESHOLDS * bits_for(MW + 2))],
               const limb_t (&sets)[N_SETS > 1 ? N_VECTORS : 1][1], unsigned vectors) {
  static_assert(MW % SIMD == 0 && MH % PE == 0, "SIMD divides MW, PE divides MH");
  static_assert(N_THRESHOLDS > 0 || OUT_BITS > bits_for(MW + 1), "OUT_BITS hold the dot product");
  const int NF = MH / PE, SF = MW / SIMD, TH_BITS = bits_for(MW + 2);
#pragma HLS ARRAY_RESHAPE variable=weights dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=thresholds dim=2 complete
  ap_uint<SIMD> kept[SF];
  ap_uint<bits_for(MW + 1)> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc dim=1 complete
  unsigned nf = 0, sf = 0, vector = 0;
  const unsigned steps = vectors * (NF * SF);
  for (unsigned step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    if (nf == 0) kept[sf] = s_axis.read();
    const ap_uint<SIMD> x = kept[sf];
    const limb_t(&row)[limbs(PE * SIMD)] = weights[nf * SF + sf];
    for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
      const unsigned count = popcount<SIMD>(~(x ^ field<SIMD>(row, pe * SIMD)));
      acc[pe] = (sf == 0 ? 0 : acc[pe].to_uint64()) + count;
    }
    if (sf == SF - 1) {
      const unsigned set = N_SETS > 1 ? (unsigned)sets[N_SETS > 1 ? vector : 0][0] : 0;
      ap_uint<PE * OUT_BITS> y = 0;
      for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
        const long long sum = acc[pe].to_uint64();
        const limb_t value =
            N_THRESHOLDS == 0
                ? (limb_t)(2 * sum - MW)
                : level<false, TH_BITS, N_THRESHOLDS, OUT_BITS, OUT_BIAS>(
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
