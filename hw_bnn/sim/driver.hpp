// The C interface between hw_bnn.sim.driver_api (ctypes) and a Verilated accelerator; the structures
// are declared a second time there, field by field. All counts are 64 bits wide.
#pragma once
#include <cstdint>

enum HwbStatus : int32_t {
    HWB_DONE = 0,      // all output words were received, and all words of the streams that are kept
    HWB_MORE = 1,      // the budget of this call is used up; call again to go on
    HWB_HUNG = 2,      // no word moved on s_axis or m_axis for hang_limit cycles
    HWB_FAILED = 3,    // the design or a check stopped the simulation: see hwb_message
};

// One stream to watch. Counters are by {valid, ready}; capture holds up to `room` transferred
// words.
struct HwbStream {
    uint64_t idle, starved, stalled, moved;
    uint8_t* words;     // room * bytes, or null: not captured
    uint64_t* cycles;   // room: cycle of each transfer
    uint64_t room;
};

// A run: the frames to stream, the results, and between calls the progress.
struct HwbRun {
    // what to do
    const uint8_t* input;    // in_words words of the input port's bytes
    uint8_t* output;         // out_words words of the output port's bytes
    uint64_t* frame_done;    // cycle of each frame's last output word
    const uint64_t* frame_end;  // words given at each frame's end
    const uint8_t* names;    // s_axis_tuser of each frame, where there is one
    uint64_t in_words, out_words, frame_in_words;
    uint64_t throttle_num, throttle_den;  // cycles between input words: num/den, 0/1 = none
    uint64_t hang_limit;
    uint32_t stall_in, stall_out;         // probability of a pause per cycle, times 2^32
    uint64_t random;                      // state of the generator; not 0
    uint32_t watch;                       // count and check the streams bound by hwb_bind
    const uint32_t* config;               // config_words words of the config port, where there is one
    const uint64_t* config_from;          // word i is not offered before cycle config_from[i]
    uint64_t config_words;
    uint32_t hold;                        // no frame is offered before all of them are taken and done
    // how far it is
    uint32_t in_valid, out_ready, started;
    uint32_t config_valid;
    uint64_t cycle, in_done, out_done, frames_done;
    uint64_t first_in, last_progress, next_word_at, config_done;
};

#pragma GCC visibility push(default)  // all else in the library stays hidden
extern "C" {
int32_t hwb_abi();
void* hwb_create(const char* memory_folder, uint64_t seed, char* error, uint64_t error_size);
void hwb_destroy(void* model);
const char* hwb_message(void* model);
void hwb_ports(void* model, uint64_t* in_bytes, uint64_t* out_bytes);
int32_t hwb_reset(void* model, uint64_t cycles);
int32_t hwb_bind(void* model, const char* scope, const char* const* names, HwbStream* streams,
                 uint64_t count);
int32_t hwb_state(void* model, uint8_t* valid, uint8_t* ready);
uint64_t hwb_find(void* model, const char* variable, char* scopes, uint64_t size);
int32_t hwb_get(void* model, const char* scope, const char* variable, uint64_t* value);
int32_t hwb_set(void* model, const char* scope, const char* variable, uint64_t value);
int32_t hwb_trace(void* model, const char* path, uint64_t from, uint64_t to, uint64_t period_ps);
uint32_t hwb_config_status(void* model);  // of the port; 0 without one
uint32_t hwb_config_loaded(void* model, uint32_t context);  // between runs: the context's name
int32_t hwb_run(void* model, HwbRun* run, uint64_t budget);
}
#pragma GCC visibility pop
