// Words: packed elements in streams and memories, element 0 in the least significant bits.
//
// A memory is a table of rows, each row a word of the RTL's memory file in limbs of 64 bits, the
// lowest first: plain numbers, which compile at once whatever their width. Rows are read at fixed
// positions in unrolled loops, so a field of a row is wiring.
#pragma once

#include <ap_int.h>
#include <hls_stream.h>

#ifndef HW_BNN_STEP
#define HW_BNN_STEP  // C simulation counts the steps of each loop here
#define HW_BNN_REGION
#define HW_BNN_DEPTH(stream, words)  // Vitis reads the pragma beside it
#define HW_BNN_PROCESS(...) __VA_ARGS__
#endif

namespace hw_bnn {

typedef unsigned long long limb_t;

constexpr int limbs(int bits) { return bits > 64 ? (bits + 63) / 64 : 1; }

// $clog2(n): bits that hold 0 .. n-1, and at least one.
constexpr int bits_for(long long n) { return n <= 2 ? 1 : 1 + bits_for((n + 1) / 2); }

constexpr int larger(int a, int b) { return a > b ? a : b; }

// BITS bits of a memory row from bit `low` on.
template <int BITS, int LIMBS> ap_uint<BITS> field(const limb_t (&row)[LIMBS], int low) {
#pragma HLS INLINE
  ap_uint<BITS> value = 0;
  for (int start = 0; start < BITS; start += 64) {
#pragma HLS UNROLL
    const int limb = (low + start) / 64, shift = (low + start) % 64;
    const int bits = BITS - start < 64 ? BITS - start : 64;
    limb_t piece = row[limb] >> shift;
    if (shift != 0 && limb + 1 < LIMBS) piece |= row[limb + 1] << (64 - shift);
    value.range(start + bits - 1, start) = piece;
  }
  return value;
}

// Element `index` of a word, as an unsigned number.
template <int BITS, int W> limb_t element(const ap_uint<W>& word, int index) {
#pragma HLS INLINE
  return word.range(index * BITS + BITS - 1, index * BITS).to_uint64();
}

template <int BITS, int W> void set_element(ap_uint<W>& word, int index, limb_t value) {
#pragma HLS INLINE
  word.range(index * BITS + BITS - 1, index * BITS) = ap_uint<BITS>(value);
}

// The value of BITS bits: two's complement if SIGNED.
template <int BITS, bool SIGNED> long long number(limb_t bits) {
#pragma HLS INLINE
  return SIGNED ? ap_int<BITS>((long long)bits).to_int64() : (long long)bits;
}

}  // namespace hw_bnn
