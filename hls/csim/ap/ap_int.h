// ap_int.h for C simulation: the part of ap_uint and ap_int that the kernels use, and no more.
//
// Vitis brings its own header of this name; this one stands in for it where there is none. Numbers
// are limbs of 64 bits, the lowest first; bits above W are always 0 (ap_uint) or the sign (ap_int).
// What is here means what it means there: construction and assignment truncate, `range(high, low)`
// and `[bit]` read and write, ~ ^ & | act on words of one width, << and >> keep the width.
#pragma once

#define HW_BNN_AP_SHIM 1

template <int W> struct ap_uint;

// Bits high..low of a number, as a value or as something to assign to.
template <int W> struct ap_range {
  ap_uint<W>& word;
  int high, low;

  unsigned long long to_uint64() const {
    const int limb = low / 64, shift = low % 64, bits = high - low + 1;
    unsigned long long value = word.v[limb] >> shift;
    if (shift != 0 && limb + 1 < ap_uint<W>::N) value |= word.v[limb + 1] << (64 - shift);
    return bits >= 64 ? value : value & ((1ull << bits) - 1);
  }
  ap_range& operator=(unsigned long long value) {
    for (int at = low; at <= high; at += 64) {
      store(at, high - at + 1 < 64 ? high - at + 1 : 64, at == low ? value : 0);
    }
    return *this;
  }
  template <int V> ap_range& operator=(const ap_uint<V>& value) {
    for (int at = low; at <= high; at += 64) {
      const int limb = (at - low) / 64;
      store(at, high - at + 1 < 64 ? high - at + 1 : 64, limb < ap_uint<V>::N ? value.v[limb] : 0);
    }
    return *this;
  }

 private:
  void store(int at, int bits, unsigned long long value) {
    const unsigned long long mask = bits >= 64 ? ~0ull : (1ull << bits) - 1;
    const int limb = at / 64, shift = at % 64;
    value &= mask;
    word.v[limb] = (word.v[limb] & ~(mask << shift)) | value << shift;
    if (shift != 0 && shift + bits > 64) {
      const int above = 64 - shift;
      word.v[limb + 1] = (word.v[limb + 1] & ~(mask >> above)) | value >> above;
    }
  }
};

template <int W> struct ap_bit {
  ap_uint<W>& word;
  int at;

  operator bool() const { return word.v[at / 64] >> (at % 64) & 1; }
  ap_bit& operator=(bool value) {
    const unsigned long long mask = 1ull << (at % 64);
    word.v[at / 64] = value ? word.v[at / 64] | mask : word.v[at / 64] & ~mask;
    return *this;
  }
};

template <int W> struct ap_uint {
  static const int width = W;
  static const int N = (W + 63) / 64;
  static const unsigned long long TOP = W % 64 ? (1ull << W % 64) - 1 : ~0ull;  // of the last limb
  unsigned long long v[N];

  ap_uint() {
    for (int i = 0; i < N; i++) v[i] = 0;
  }
  ap_uint(unsigned long long value) : ap_uint() {
    v[0] = value;
    v[N - 1] &= TOP;
  }
  template <int V> ap_uint(const ap_uint<V>& value) : ap_uint() {
    for (int i = 0; i < N && i < ap_uint<V>::N; i++) v[i] = value.v[i];
    v[N - 1] &= TOP;
  }
  template <int V> ap_uint(const ap_range<V>& bits) : ap_uint() {
    for (int at = bits.low; at <= bits.high && at - bits.low < W; at += 64) {
      const int high = bits.high - at < 63 ? bits.high : at + 63;
      v[(at - bits.low) / 64] = ap_range<V>{bits.word, high, at}.to_uint64();
    }
    v[N - 1] &= TOP;
  }

  unsigned long long to_uint64() const { return v[0]; }
  ap_range<W> range(int high, int low) { return {*this, high, low}; }
  const ap_range<W> range(int high, int low) const {
    return {const_cast<ap_uint&>(*this), high, low};
  }
  ap_bit<W> operator[](int at) { return {*this, at}; }
  bool operator[](int at) const { return v[at / 64] >> (at % 64) & 1; }

  bool operator!=(const ap_uint& other) const {
    for (int i = 0; i < N; i++)
      if (v[i] != other.v[i]) return true;
    return false;
  }
  ap_uint operator~() const {
    ap_uint result;
    for (int i = 0; i < N; i++) result.v[i] = ~v[i];
    result.v[N - 1] &= TOP;
    return result;
  }
  ap_uint operator^(const ap_uint& other) const {
    ap_uint result;
    for (int i = 0; i < N; i++) result.v[i] = v[i] ^ other.v[i];
    return result;
  }
  ap_uint operator&(const ap_uint& other) const {
    ap_uint result;
    for (int i = 0; i < N; i++) result.v[i] = v[i] & other.v[i];
    return result;
  }
  ap_uint operator|(const ap_uint& other) const {
    ap_uint result;
    for (int i = 0; i < N; i++) result.v[i] = v[i] | other.v[i];
    return result;
  }
  ap_uint operator<<(int places) const {
    ap_uint result;
    const int limbs = places / 64, shift = places % 64;
    for (int i = N - 1; i >= limbs; i--) {
      result.v[i] = v[i - limbs] << shift;
      if (shift != 0 && i > limbs) result.v[i] |= v[i - limbs - 1] >> (64 - shift);
    }
    result.v[N - 1] &= TOP;
    return result;
  }
  ap_uint operator>>(int places) const {
    ap_uint result;
    const int limbs = places / 64, shift = places % 64;
    for (int i = 0; i + limbs < N; i++) {
      result.v[i] = v[i + limbs] >> shift;
      if (shift != 0 && i + limbs + 1 < N) result.v[i] |= v[i + limbs + 1] << (64 - shift);
    }
    return result;
  }
};

// Two's complement numbers of at most 64 bits.
template <int W> struct ap_int {
  static_assert(W >= 1 && W <= 64, "ap_int of the shim holds up to 64 bits");
  long long value;

  ap_int() : value(0) {}
  ap_int(long long given) : value((long long)((unsigned long long)given << (64 - W)) >> (64 - W)) {}
  long long to_int64() const { return value; }
};
