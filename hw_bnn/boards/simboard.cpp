// A simulated board: the Verilated overlay (shell and accelerator), a memory with latency, stalls and error
// responses at its memory port, and a processor's accesses to its registers. Called from simboard.py.
//
// Memory is kept apart from what the host program sees: bytes go to and fro by hwb_board_copy alone, as caches
// are written back and dropped on a real board. A write takes effect when its response is given, not before.
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vboard.h"
#include "verilated.h"

// ---------------------------------------------------------------- the runtime's hooks (hooks.hpp)

namespace {
thread_local std::string t_messages;       // what the design printed since the last call
thread_local std::string t_memory_folder;  // where relative file names are looked up
constexpr size_t MAX_MESSAGES = 64 * 1024;

[[noreturn]] void stop(const std::string& reason) {
    std::string text = t_messages;
    t_messages.clear();
    while (!text.empty() && text.back() == '\n') text.pop_back();
    throw std::runtime_error(text.empty() ? reason : text);
}
}  // namespace

int hwb_vprintf(const char* format, va_list arguments) {
    char text[4096];
    const int length = vsnprintf(text, sizeof text, format, arguments);
    if (length > 0 && t_messages.size() < MAX_MESSAGES) t_messages += text;
    return length;
}
int hwb_printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = hwb_vprintf(format, arguments);
    va_end(arguments);
    return length;
}
void vl_finish(const char*, int, const char*) { stop("$finish"); }
void vl_stop(const char*, int, const char*) { stop("$stop"); }
void vl_fatal(const char*, int, const char*, const char* text) { stop(text); }
void vl_warn(const char*, int, const char*, const char* text) { stop(text); }

extern "C" FILE* __real_fopen(const char* path, const char* mode);
extern "C" FILE* __wrap_fopen(const char* path, const char* mode) {
    if (path[0] == '/' || t_memory_folder.empty()) return __real_fopen(path, mode);
    return __real_fopen((t_memory_folder + "/" + path).c_str(), mode);
}

// ------------------------------------------------------------------------------------- the memory

namespace {
constexpr uint32_t BYTES = HWB_BEAT_BYTES;
enum Response : uint8_t { OKAY = 0, SLVERR = 2, DECERR = 3 };
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

// How the memory behaves; declared a second time in simboard.py, field by field.
struct Behaviour {
    uint64_t latency;                     // cycles from an address to its data, from last data to response
    uint32_t stall[5];                    // probability of a pause of AR, R, AW, W, B, times 2^32
    uint32_t bursts;                      // outstanding ones it takes, of reads and of writes
    uint64_t fault_from, fault_to;        // addresses that are answered with `fault`
    uint32_t fault;                       // SLVERR or DECERR
    uint32_t dead;                        // 1: answers nothing
    uint32_t address_after;               // a write's address is taken 0: at any time, 1: with data offered,
                                          // 2: after all its data
    uint64_t random;                      // state of the generator; not 0
    uint64_t beats_read, beats_written;   // so far
};

struct Burst {
    uint64_t address, due;
    uint32_t beats, done;
    bool fault;
    std::vector<uint8_t> data, strobes;
};

struct Board {
    VerilatedContext context;
    std::unique_ptr<Vboard> top;
    std::string message;
    uint64_t cycle = 0, base = 0;
    std::vector<uint8_t> memory;
    Behaviour* how = nullptr;
    std::deque<Burst> reads, writes, answers;  // writes: data still to come; answers: response to come
    Burst early{};          // data that were taken before their address
    bool early_whole = false;
    bool r_offered = false, b_offered = false;

    bool inside(uint64_t address, uint64_t bytes) const {
        return address >= base && address - base <= memory.size() && bytes <= memory.size() - (address - base);
    }
    bool pause(int channel) {
        uint64_t& s = how->random;
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        return uint32_t(s >> 32) < how->stall[channel];
    }
    uint8_t response(uint64_t address, uint64_t bytes) const {
        if (!inside(address, bytes)) return DECERR;
        if (address < how->fault_to && address + bytes > how->fault_from) return uint8_t(how->fault);
        return OKAY;
    }

    void offer() {
        Vboard& t = *top;
        const bool alive = !how->dead && t.ap_rst_n;
        t.m_axi_arready = alive && reads.size() < how->bursts && !pause(0);
        const bool address = how->address_after == 0 || (how->address_after == 1 ? t.m_axi_wvalid : early_whole);
        t.m_axi_awready = alive && address && writes.size() + answers.size() < how->bursts && !pause(2);
        const bool data = how->address_after == 2 ? !early_whole : !writes.empty();
        t.m_axi_wready = alive && data && !pause(3);
        if (!r_offered) {
            r_offered = alive && !reads.empty() && reads.front().due <= cycle && !pause(1);
            t.m_axi_rvalid = r_offered;
            if (r_offered) {
                const Burst& burst = reads.front();
                const uint64_t address = burst.address + uint64_t(burst.done) * BYTES;
                const uint8_t code = response(address, BYTES);
                t.m_axi_rresp = code;
                t.m_axi_rlast = burst.done + 1 == burst.beats;
                if (code == DECERR) memset(&t.m_axi_rdata, 0xDE, BYTES);
                else memcpy(&t.m_axi_rdata, &memory[address - base], BYTES);
            }
        }
        if (!b_offered) {
            b_offered = alive && !answers.empty() && answers.front().due <= cycle && !pause(4);
            t.m_axi_bvalid = b_offered;
            if (b_offered) t.m_axi_bresp = commit(answers.front());
        }
    }

    uint8_t commit(const Burst& burst) {
        const uint64_t size = uint64_t(burst.beats) * BYTES;
        const uint8_t code = response(burst.address, size);
        if (code == OKAY)
            for (uint64_t i = 0; i < size; ++i)
                if (burst.strobes[i]) memory[burst.address - base + i] = burst.data[i];
        return code;
    }

    // After the falling edge's evaluation: the handshakes of this cycle.
    void exchange() {
        Vboard& t = *top;
        if (t.m_axi_rvalid && t.m_axi_rready) {
            r_offered = false;
            ++how->beats_read;
            if (++reads.front().done == reads.front().beats) reads.pop_front();
        }
        if (t.m_axi_bvalid && t.m_axi_bready) {
            b_offered = false;
            answers.pop_front();
        }
        if (t.m_axi_wvalid && t.m_axi_wready) {
            const bool ahead = writes.empty();
            Burst& burst = ahead ? early : writes.front();
            const uint8_t* data = reinterpret_cast<const uint8_t*>(&t.m_axi_wdata);
            for (uint32_t i = 0; i < BYTES; ++i) {
                burst.data.push_back(data[i]);
                burst.strobes.push_back(t.m_axi_wstrb >> i & 1);
            }
            ++how->beats_written;
            ++burst.done;
            if (ahead) {
                early_whole = t.m_axi_wlast;
            } else {
                if (bool(t.m_axi_wlast) != (burst.done == burst.beats)) throw std::runtime_error("wlast stands wrong");
                if (burst.done == burst.beats) {
                    answer(std::move(burst));
                    writes.pop_front();
                }
            }
        }
        if (t.m_axi_arvalid && t.m_axi_arready)
            reads.push_back({t.m_axi_araddr, cycle + how->latency, uint32_t(t.m_axi_arlen) + 1, 0, false, {}, {}});
        if (t.m_axi_awvalid && t.m_axi_awready) {
            Burst burst{t.m_axi_awaddr, 0, uint32_t(t.m_axi_awlen) + 1, 0, false, {}, {}};
            if (how->address_after != 2) {
                writes.push_back(std::move(burst));
            } else {
                if (early.done != burst.beats) throw std::runtime_error("wlast stands wrong");
                early.address = burst.address;
                early.beats = burst.beats;
                answer(std::move(early));
                early = Burst{};
                early_whole = false;
            }
        }
    }

    void answer(Burst burst) {
        burst.due = cycle + how->latency;
        answers.push_back(std::move(burst));
    }

    // The two halves of a cycle: the processor's port is set between them.
    void settle() {
        offer();
        top->ap_clk = 0;
        top->eval();
    }
    void edge() {
        exchange();
        top->ap_clk = 1;
        top->eval();
        ++cycle;
    }
    void run(uint64_t cycles) {
        for (uint64_t i = 0; i < cycles; ++i) {
            settle();
            edge();
        }
    }

    void reset() {
        Vboard& t = *top;
        reads.clear();
        writes.clear();
        answers.clear();
        early = Burst{};
        early_whole = false;
        r_offered = b_offered = false;
        t.m_axi_rvalid = t.m_axi_bvalid = 0;
        t.s_axi_control_awvalid = t.s_axi_control_wvalid = t.s_axi_control_arvalid = 0;
        t.s_axi_control_bready = t.s_axi_control_rready = 1;
        t.ap_rst_n = 0;
        run(16);
        t.ap_rst_n = 1;
        run(2);
    }

    uint32_t read32(uint32_t offset) {
        Vboard& t = *top;
        t.s_axi_control_araddr = offset;
        t.s_axi_control_arvalid = 1;
        for (bool taken = false; !taken;) {
            settle();
            taken = t.s_axi_control_arready;
            edge();
        }
        t.s_axi_control_arvalid = 0;
        for (;;) {
            settle();
            const bool there = t.s_axi_control_rvalid;
            const uint32_t value = t.s_axi_control_rdata;
            edge();
            if (there) return value;
        }
    }

    void write32(uint32_t offset, uint32_t value) {
        Vboard& t = *top;
        t.s_axi_control_awaddr = offset;
        t.s_axi_control_wdata = value;
        t.s_axi_control_wstrb = 0xF;
        t.s_axi_control_awvalid = t.s_axi_control_wvalid = 1;
        for (bool answered = false; !answered;) {
            settle();
            const bool address = t.s_axi_control_awready, data = t.s_axi_control_wready;
            answered = t.s_axi_control_bvalid;
            edge();
            if (address) t.s_axi_control_awvalid = 0;
            if (data) t.s_axi_control_wvalid = 0;
        }
    }
};

template <typename Body> int32_t guarded(Board* board, Body body) {
    try {
        body();
        return 0;
    } catch (const std::exception& error) {
        board->message = error.what();
        return 1;
    }
}
}  // namespace

#pragma GCC visibility push(default)
extern "C" {
void* hwb_board_create(const char* folder, uint64_t seed, uint64_t base, uint64_t size, Behaviour* how,
                       char* error, uint64_t room) {
    auto board = std::make_unique<Board>();
    try {
        t_messages.clear();
        t_memory_folder = folder;
        board->context.randReset(2);
        board->context.randSeed(int(seed % 0x7FFFFFFF + 1));
        board->how = how;
        board->base = base;
        board->memory.resize(size);
        board->top = std::make_unique<Vboard>(&board->context);
        board->reset();
        t_memory_folder.clear();
        return board.release();
    } catch (const std::exception& reason) {
        t_memory_folder.clear();
        snprintf(error, room, "%s", reason.what());
        return nullptr;
    }
}
void hwb_board_destroy(void* board) { delete static_cast<Board*>(board); }
const char* hwb_board_message(void* board) { return static_cast<Board*>(board)->message.c_str(); }
uint64_t hwb_board_cycle(void* board) { return static_cast<Board*>(board)->cycle; }
int32_t hwb_board_irq(void* board) { return static_cast<Board*>(board)->top->irq; }
int32_t hwb_board_reset(void* board) {
    Board* b = static_cast<Board*>(board);
    return guarded(b, [&] { b->reset(); });
}
int32_t hwb_board_run(void* board, uint64_t cycles) {
    Board* b = static_cast<Board*>(board);
    return guarded(b, [&] { b->run(cycles); });
}
int32_t hwb_board_read32(void* board, uint32_t offset, uint32_t* value) {
    Board* b = static_cast<Board*>(board);
    return guarded(b, [&] { *value = b->read32(offset); });
}
int32_t hwb_board_write32(void* board, uint32_t offset, uint32_t value) {
    Board* b = static_cast<Board*>(board);
    return guarded(b, [&] { b->write32(offset, value); });
}
// direction 0: host to memory; 1: memory to host
int32_t hwb_board_copy(void* board, uint64_t address, uint8_t* host, uint64_t size, int32_t direction) {
    Board* b = static_cast<Board*>(board);
    return guarded(b, [&] {
        if (!b->inside(address, size)) throw std::runtime_error("the host's copy is outside memory");
        uint8_t* place = b->memory.data() + (address - b->base);
        if (direction) memcpy(host, place, size);
        else memcpy(place, host, size);
    });
}
}
#pragma GCC visibility pop
