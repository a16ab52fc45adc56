// hardwired_flow: a fully unfolded layer of constants, one vector a step; twin of
// bnn_hardwired_flow.sv and of the netlist behind it.
//
//   s[m] = sum_i w[m][i] u[i]       w = +-1, u unsigned (a two's complement x counts as x + 2^(n-1))
//   THRESHOLDED: y[m] = (s[m] >= constants[m]);  else: y[m] = 2^SHIFT * s[m] + constants[m]
//
// Core computes it: hardwired_layer over two tables that are constants, so that the tool folds
// weights into logic. One loop: one step a vector, initiation interval 1.
#pragma once

#include "int_mvau.hpp"

namespace hw_bnn {

template <int IN_BITS, int OUT_BITS, typename Core>
void hardwired_flow(hls::stream<ap_uint<IN_BITS> >& s_axis, hls::stream<ap_uint<OUT_BITS> >& m_axis,
                    unsigned words) {
  for (unsigned step = 0; step < words; step++) {
#pragma HLS PIPELINE II=1 style=flp
    HW_BNN_STEP;
    m_axis.write(Core::evaluate(s_axis.read()));
  }
}

template <int MW, int MH, int IN_BITS, bool IN_SIGNED, bool THRESHOLDED, int SHIFT, int OUT_BITS>
ap_uint<MH * OUT_BITS> hardwired_layer(const ap_uint<MW * IN_BITS>& x,
                                       const limb_t (&weights)[MH][limbs(MW)],
                                       const long long (&constants)[MH]) {
#pragma HLS INLINE
#pragma HLS ARRAY_PARTITION variable=weights dim=0 complete
#pragma HLS ARRAY_PARTITION variable=constants dim=0 complete
  const ap_uint<MW * IN_BITS> planes = planes_of<MW, IN_BITS>(x);
  ap_uint<MW> plane[IN_BITS];
#pragma HLS ARRAY_PARTITION variable=plane dim=1 complete
  long long total = 0;
  for (int b = 0; b < IN_BITS; b++) {
#pragma HLS UNROLL
    plane[b] = planes.range(b * MW + MW - 1, b * MW);
    if (IN_SIGNED && b == IN_BITS - 1) plane[b] = ~plane[b];
    total += (long long)popcount<MW>(plane[b]) << b;
  }
  ap_uint<MH * OUT_BITS> y = 0;
  for (int m = 0; m < MH; m++) {
#pragma HLS UNROLL
    const ap_uint<MW> mask = field<MW>(weights[m], 0);
    long long sum = -total;
    for (int b = 0; b < IN_BITS; b++) {
#pragma HLS UNROLL
      sum += (long long)popcount<MW>(plane[b] & mask) << (b + 1);
    }
    const limb_t value = THRESHOLDED ? (limb_t)(sum >= constants[m] ? 1 : 0)
                                     : (limb_t)(sum * (1ll << SHIFT) + constants[m]);
    set_element<OUT_BITS>(y, m, value);
  }
  return y;
}

}  // namespace hw_bnn
