// The two functions of zlib that Verilator's FST writer calls, for machines without zlib's headers.
// Output is a zlib stream (RFC 1950) of stored blocks: valid, and not compressed. The writer keeps the
// original where that is shorter.
#pragma once
#include <cstdint>
#include <cstring>

typedef unsigned char Bytef;
typedef unsigned long uLong;
typedef unsigned long uLongf;
enum { Z_OK = 0, Z_BUF_ERROR = -5 };

inline uLong compressBound(uLong size) { return size + 5 * (size / 65535 + 1) + 6; }

inline int compress2(Bytef* target, uLongf* room, const Bytef* source, uLong size, int) {
    if (*room < compressBound(size)) return Z_BUF_ERROR;
    Bytef* out = target;
    *out++ = 0x78;  // deflate, 32 KiB window
    *out++ = 0x01;  // check bits; fastest
    uint32_t low = 1, high = 0;  // Adler-32
    uLong at = 0;
    do {
        const uLong count = size - at < 65535 ? size - at : 65535;
        *out++ = at + count == size;  // last block?, stored
        *out++ = Bytef(count);
        *out++ = Bytef(count >> 8);
        *out++ = Bytef(~count);
        *out++ = Bytef(~count >> 8);
        memcpy(out, source + at, count);
        out += count;
        for (uLong i = 0; i < count; ++i) {
            low = (low + source[at + i]) % 65521;
            high = (high + low) % 65521;
        }
        at += count;
    } while (at < size);
    for (int shift : {8, 0}) *out++ = Bytef(high >> shift);
    for (int shift : {8, 0}) *out++ = Bytef(low >> shift);
    *room = uLongf(out - target);
    return Z_OK;
}
