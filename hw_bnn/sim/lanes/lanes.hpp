// The tables of a program, in the order in which program.py gives them (TABLES there), and how a step
// is run on words of any width.
#pragma once
#include <array>
#include <cstdint>
#include <utility>
#if defined(__AVX512F__) && defined(__AVX512VL__)
#include <immintrin.h>
#endif

struct Port { int32_t address, address_bits, stride, entry, entries, enable, reset, position, depth; };
struct Entry { int32_t base, slot, through, through_enable, reset_value; };
struct Look { int32_t slot, in[6], low, high; };     // slot -1: an asynchronous read, of port in[0]
struct Step { int32_t slot, in[3]; };
struct Pair { int32_t to, from; };
struct Group { int32_t enable, reset, reset_value, flop, flops, hold, holds; };
struct Range { int32_t table, count; };
struct StreamSlots { int32_t valid, ready, data, bits; };
struct Signals { int32_t rst_n, s_valid, s_last, m_ready, s_ready, m_valid, m_last; };
struct Counts { int32_t u_slots, v_slots, positions, in_bits, out_bits; };

template <typename T> struct Table {
    const T* rows;
    uint64_t count;
    const T* begin() const { return rows; }
    const T* end() const { return rows + count; }
    const T& operator[](uint64_t i) const { return rows[i]; }
};

struct Program {
    Table<Counts> counts;
    Table<Signals> signals;
    Table<Look> looks;
    Table<Port> ports;
    Table<int32_t> addresses;
    Table<Entry> entries;
    Table<int32_t> v_reads, u_writes, v_writes, u_synchronous, v_synchronous;  // ports
    Table<Pair> splats;
    Table<Range> runs;
    Table<Step> steps;
    Table<Group> u_groups, v_groups;
    Table<Pair> u_flops, v_flops, v_holds;
    Table<int8_t> u_start, v_start, u_memory, v_memory;  // 0, 1, or 2: a random bit
    Table<int32_t> in_slots, out_slots;                  // -1: nothing is there
    Table<StreamSlots> streams;
    Table<int32_t> stream_data;
    Table<const char*> stream_names;
};

namespace {

inline uint32_t draw(uint64_t& state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return uint32_t(state >> 32);
}

template <int LANES> struct Word {
    typedef uint64_t type __attribute__((vector_size(LANES / 8)));
};

// Bit (in[2], in[1], in[0]) of an 8-bit table, for every lane.
template <int TABLE, typename V> inline V two(V a, V b) {
    if constexpr (TABLE == 0) return a ^ a;
    else if constexpr (TABLE == 1) return ~(a | b);
    else if constexpr (TABLE == 2) return a & ~b;
    else if constexpr (TABLE == 3) return ~b;
    else if constexpr (TABLE == 4) return b & ~a;
    else if constexpr (TABLE == 5) return ~a;
    else if constexpr (TABLE == 6) return a ^ b;
    else if constexpr (TABLE == 8) return a & b;
    else if constexpr (TABLE == 10) return a;
    else if constexpr (TABLE == 12) return b;
    else return ~two<15 - TABLE>(a, b);
}

template <int TABLE, typename V> inline V three(V a, V b, V c) {
#if defined(__AVX512F__) && defined(__AVX512VL__)
    if constexpr (sizeof(V) == 64)
        return V(_mm512_ternarylogic_epi64(__m512i(c), __m512i(b), __m512i(a), TABLE));
    if constexpr (sizeof(V) == 32)
        return V(_mm256_ternarylogic_epi64(__m256i(c), __m256i(b), __m256i(a), TABLE));
#endif
    constexpr int low = TABLE & 15, high = TABLE >> 4;
    if constexpr (low == high) return two<low>(a, b);
    else if constexpr ((low ^ high) == 15) return two<low>(a, b) ^ c;
    else return (two<high>(a, b) & c) | (two<low>(a, b) & ~c);
}

template <int TABLE, typename V> void run_steps(V* v, const Step* step, int32_t count) {
    for (const Step* const end = step + count; step != end; ++step)
        v[step->slot] = three<TABLE>(v[step->in[0]], v[step->in[1]], v[step->in[2]]);
}

template <typename V, int... TABLES>
constexpr auto runners(std::integer_sequence<int, TABLES...>) {
    return std::array<void (*)(V*, const Step*, int32_t), 256>{run_steps<TABLES, V>...};
}

// Bit j of byte i becomes bit i of byte j.
inline uint64_t transposed(uint64_t x) {
    uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AA;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCC;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0;
    return x ^ t ^ (t << 28);
}

}  // namespace
