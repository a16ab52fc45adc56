// The two functions of LZ4 that Verilator's FST writer calls, for machines without LZ4's headers.
// Output is a block of the LZ4 format (lz4_Block_format.md): sequences of literals and matches, found
// greedily through a table of the last place of each four-byte value.
#pragma once
#include <cstdint>
#include <cstring>

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

namespace hwb_lz4 {

inline uint32_t four(const uint8_t* at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return value;
}

// A length beyond the 15 that fit a token: bytes of 255, then the rest.
inline uint8_t* length(uint8_t* out, int rest) {
    for (; rest >= 255; rest -= 255) *out++ = 255;
    *out++ = uint8_t(rest);
    return out;
}

// One sequence: literals, then (matched > 0) a match of at least 4 bytes at `distance`.
inline uint8_t* sequence(uint8_t* out, const uint8_t* literals, int count, int distance, int matched) {
    const int more = matched ? matched - 4 : 0;
    *out++ = uint8_t((count < 15 ? count : 15) << 4 | (more < 15 ? more : 15));
    if (count >= 15) out = length(out, count - 15);
    memcpy(out, literals, size_t(count));
    out += count;
    if (!matched) return out;
    *out++ = uint8_t(distance);
    *out++ = uint8_t(distance >> 8);
    return more >= 15 ? length(out, more - 15) : out;
}

}  // namespace hwb_lz4

inline int LZ4_compress_default(const char* source, char* target, int size, int room) {
    using namespace hwb_lz4;
    if (room < LZ4_compressBound(size)) return 0;
    // The format keeps the last 5 bytes literal and starts no match in the last 12.
    const uint8_t* const data = reinterpret_cast<const uint8_t*>(source);
    uint8_t* out = reinterpret_cast<uint8_t*>(target);
    int32_t last[4096];
    memset(last, -1, sizeof last);
    int at = 0, written = 0;
    while (at < size - 12) {
        const uint32_t value = four(data + at);
        int32_t& place = last[(value * 2654435761u) >> 20];
        const int before = place;
        place = at;
        if (before < 0 || at - before > 65535 || four(data + before) != value) {
            ++at;
            continue;
        }
        int matched = 4;
        while (at + matched < size - 5 && data[before + matched] == data[at + matched]) ++matched;
        out = sequence(out, data + written, at - written, at - before, matched);
        at += matched;
        written = at;
    }
    out = sequence(out, data + written, size - written, 0, 0);
    return int(out - reinterpret_cast<uint8_t*>(target));
}
