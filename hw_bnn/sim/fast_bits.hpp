// Included before the generated code: counting ones, which is what a binary network does most,
// takes the processor's instruction (-march=native) instead of the runtime's shifts and masks.
// Verilator passes arguments whose bits beyond their width are zero.
#pragma once
#include <cstring>

#include "verilated.h"

static inline IData hwb_countones_words(int words, WDataInP const value) {
    IData count = 0;
    int i = 0;
    for (; i + 1 < words; i += 2) {
        QData pair;
        memcpy(&pair, &value[i], sizeof pair);
        count += __builtin_popcountll(pair);
    }
    return i < words ? count + __builtin_popcount(value[i]) : count;
}

#define VL_COUNTONES_I(value) static_cast<IData>(__builtin_popcount(value))
#define VL_COUNTONES_Q(value) static_cast<IData>(__builtin_popcountll(value))
#define VL_COUNTONES_W(words, value) hwb_countones_words(words, value)
