// Bytes to streams and back, for C simulation: words lie as the RTL's drivers take them, tdata_bits/8
// bytes each, the least significant first.
#pragma once

#define HW_BNN_RECORD  // streams can be watched (hls_stream.h)

#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "hw_bnn/word.hpp"

namespace hw_bnn {
namespace csim {

typedef unsigned char byte;

// A memory given at run time as rows of limbs.
template <int ROWS, int LIMBS> const limb_t (&rows(const limb_t* memory))[ROWS][LIMBS] {
  return *reinterpret_cast<const limb_t(*)[ROWS][LIMBS]>(memory);
}

template <int W> ap_uint<W> word_of(const byte* bytes) {
  const int size = (W + 7) / 8;
  ap_uint<W> word = 0;
  for (int at = 0; at < size; at += 8) {
    unsigned long long piece = 0;
    std::memcpy(&piece, bytes + at, size - at < 8 ? size - at : 8);
    word.range(W - 8 * at < 64 ? W - 1 : 8 * at + 63, 8 * at) = piece;
  }
  return word;
}

template <int W> void bytes_of(const ap_uint<W>& word, byte* bytes) {
  const int size = (W + 7) / 8;
  for (int at = 0; at < size; at += 8) {
    const unsigned long long piece =
        word.range(W - 8 * at < 64 ? W - 1 : 8 * at + 63, 8 * at).to_uint64();
    std::memcpy(bytes + at, &piece, size - at < 8 ? size - at : 8);
  }
}

template <typename T> struct width;
template <int W> struct width<ap_uint<W> > {
  static const int bytes = (W + 7) / 8;
};

// A watched stream's word (hls_stream.h).
template <typename T> void append(std::vector<byte>& bytes, const T& word) {
  bytes.resize(bytes.size() + width<T>::bytes);
  bytes_of(word, &bytes[bytes.size() - width<T>::bytes]);
}

template <int W> void fill(hls::stream<ap_uint<W> >& stream, const byte*& bytes, size_t words) {
  for (size_t i = 0; i < words; i++, bytes += (W + 7) / 8) stream.write(word_of<W>(bytes));
}

template <int W> void drain(hls::stream<ap_uint<W> >& stream, byte*& bytes, size_t words) {
  for (size_t i = 0; i < words; i++, bytes += (W + 7) / 8) bytes_of<W>(stream.read(), bytes);
}

// Words that nobody has read: the hardware would fill up with them.
inline void leftovers(const std::string& name, size_t words) {
  if (words != 0) {
    throw std::runtime_error("stream " + name + " keeps " + std::to_string(words) +
                             " words that nobody reads");
  }
}

}  // namespace csim
}  // namespace hw_bnn
