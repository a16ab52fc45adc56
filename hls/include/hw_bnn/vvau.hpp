// vvau: vector-vector product of a depthwise or grouped convolution; twin of bnn_vvau.sv.
//
//   acc[c] = sum_i x[g][i] * W[c][i]      g = c / GROUP_OUT, modulo 2^ACC_BITS, two's complement
//
//   N_THRESHOLDS = 0:  y[c] = acc[c]                          OUT_BITS two's complement
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y[c] = (acc[c] >= T)
//   otherwise:  y[c] = OUT_BIAS + #{t : acc[c] >= T[c][t]}    OUT_BITS two's complement
//
// x: with IN_BIPOLAR a bit that means -1 or +1, else IN_BITS bits, two's complement if IN_SIGNED;
// W: a bit that means -1 or +1 where WEIGHT_BITS = 1, else two's complement.
// Folding, words and memories are those of the RTL: NF = MH/PE, SF = MW/SIMD, address nf*SF+sf;
// each step takes a word of (tap, group, channel of the group).
// One flat loop: NF*SF steps a vector, initiation interval 1.
#pragma once

#include "level.hpp"

namespace hw_bnn {

// The product of an input's and a weight's bits.
template <int IN_BITS, bool IN_SIGNED, bool IN_BIPOLAR, int WEIGHT_BITS>
long long vvau_product(limb_t x, limb_t w) {
#pragma HLS INLINE
  const long long value = IN_BIPOLAR ? 2 * (long long)x - 1 : number<IN_BITS, IN_SIGNED>(x);
  if (WEIGHT_BITS == 1) return w ? value : -value;
  return value * number<WEIGHT_BITS, true>(w);
}

template <int MW, int MH, int PE, int SIMD, int GROUP_IN, int GROUP_OUT, int IN_BITS,
          bool IN_SIGNED, bool IN_BIPOLAR, int WEIGHT_BITS, int ACC_BITS, int N_THRESHOLDS,
          int OUT_BITS, int OUT_BIAS, int N_SETS, int N_VECTORS>
void vvau(hls::stream<ap_uint<SIMD * (PE / GROUP_OUT) * IN_BITS> >& s_axis,
          hls::stream<ap_uint<PE * OUT_BITS> >& m_axis,
          const limb_t (&weights)[MH / PE * (MW / SIMD)][limbs(PE * SIMD * WEIGHT_BITS)],
          const limb_t (&thresholds)[N_THRESHOLDS > 0 ? N_SETS * (MH / PE) : 1]
                                    [limbs(PE * N_THRESHOLDS * (ACC_BITS + 1))],
          const limb_t (&sets)[N_SETS > 1 ? N_VECTORS : 1][1], unsigned vectors) {
#pragma HLS ARRAY_RESHAPE variable=weights dim=2 complete
#pragma HLS ARRAY_RESHAPE variable=thresholds dim=2 complete
  static_assert(MW % SIMD == 0 && MH % PE == 0, "SIMD divides MW, PE divides MH");
  static_assert(SIMD % GROUP_IN == 0 && PE % GROUP_OUT == 0, "SIMD and PE are whole groups");
  static_assert(N_THRESHOLDS > 0 || OUT_BITS >= ACC_BITS, "OUT_BITS hold the accumulator");
  static_assert(!IN_BIPOLAR || IN_BITS == 1, "a bit is -1 or +1");
  const int NF = MH / PE, SF = MW / SIMD;
  const int CHANNELS = PE / GROUP_OUT * GROUP_IN;  // of a tap that come in at once
  ap_int<ACC_BITS> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc dim=1 complete
  unsigned nf = 0, sf = 0, vector = 0;
  const unsigned steps = vectors * (NF * SF);
  for (unsigned step = 0; step < steps; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    const ap_uint<SIMD * (PE / GROUP_OUT) * IN_BITS> x = s_axis.read();
    const limb_t(&row)[limbs(PE * SIMD * WEIGHT_BITS)] = weights[nf * SF + sf];
    for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
      long long sum = sf == 0 ? 0 : acc[pe].to_int64();
      for (int i = 0; i < SIMD; i++) {
#pragma HLS UNROLL
        const int place = i / GROUP_IN * CHANNELS + pe / GROUP_OUT * GROUP_IN + i % GROUP_IN;
        const limb_t weight = field<WEIGHT_BITS>(row, (pe * SIMD + i) * WEIGHT_BITS).to_uint64();
        sum += vvau_product<IN_BITS, IN_SIGNED, IN_BIPOLAR, WEIGHT_BITS>(
            element<IN_BITS>(x, place), weight);
      }
      acc[pe] = sum;
    }
    if (sf == SF - 1) {
      const unsigned set = N_SETS > 1 ? (unsigned)sets[N_SETS > 1 ? vector : 0][0] : 0;
      ap_uint<PE * OUT_BITS> y = 0;
      for (int pe = 0; pe < PE; pe++) {
#pragma HLS UNROLL
        const long long sum = acc[pe].to_int64();
        const limb_t value =
            N_THRESHOLDS == 0
                ? (limb_t)sum
                : level<true, ACC_BITS + 1, N_THRESHOLDS, OUT_BITS, OUT_BIAS>(
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
