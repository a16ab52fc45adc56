// Runs a netlist with one frame a bit lane: an interpreter of the steps that program.py makes.
//
// Every net is a slot: of a byte where all lanes agree (u), of LANES bits where they may differ (v).
// A cycle: the uniform logic, one value for all lanes; copies of it where varying logic reads it; the
// varying logic, in runs of steps of one table; then the clock edge. The interface is driver.hpp's,
// and so are the pauses: cycle by cycle a lane sees what driver.cpp would show a single frame's
// model. Frame f runs in lane f % LANES, after f / LANES others.
#include "driver.hpp"
#include "lanes.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

namespace {

constexpr int32_t HWB_ABI = 3;  // of driver.hpp
constexpr int SILENT_CYCLES = 32;

struct Model {
    std::string message;
    virtual ~Model() = default;
    virtual void reset(uint64_t cycles) = 0;
    virtual void bind(const char* const* names, HwbStream* streams, uint64_t count) = 0;
    virtual void state(uint8_t* valid, uint8_t* ready) = 0;
    virtual int32_t go(HwbRun& run, uint64_t budget) = 0;
    Counts counts;
};

template <int LANES> class Machine : public Model {
    using V = typename Word<LANES>::type;
    struct Free { void operator()(V* p) const { free(p); } };
    using Vectors = std::unique_ptr<V[], Free>;
    static constexpr auto RUNNERS = runners<V>(std::make_integer_sequence<int, 256>{});

    struct Watched { StreamSlots slots; HwbStream* counts; bool waiting; };

    const Program p;
    const Signals io;
    std::vector<uint8_t> u, u_memory, u_next;
    std::vector<int32_t> position;
    Vectors v, v_memory, v_next;
    std::vector<Watched> watched;
    uint64_t random;

    static Vectors vectors(uint64_t count) {
        void* const space = aligned_alloc(64, (count * sizeof(V) + 127) / 64 * 64);
        if (!space) throw std::runtime_error("there is not enough memory for the lanes");
        return Vectors(static_cast<V*>(space));
    }
    V any() {
        V value;
        for (size_t i = 0; i < sizeof(V) / 8; ++i) {
            const uint64_t high = draw(random);
            value[i] = high << 32 | draw(random);
        }
        return value;
    }
    static V all(bool bit) { return V{} - uint64_t(bit); }
    V first(int8_t start) { return start == 2 ? any() : all(start); }

    int32_t row(const Port& port) const {
        int32_t a = 0;
        for (int32_t i = 0; i < port.address_bits; ++i)
            a |= int32_t(u[p.addresses[port.address + i]]) << i;
        return port.position < 0 ? a : (a + position[port.position]) & (port.depth - 1);
    }
    template <typename T> void read(const Port& port, const T* memory, T* values) const {
        const int64_t at = int64_t(row(port)) * port.stride;
        const Entry* const e = p.entries.rows + port.entry;
        for (int32_t i = 0; i < port.entries; ++i) values[e[i].slot] = memory[e[i].base + at];
    }
    template <typename T> void write(const Port& port, T* memory, const T* values) const {
        if (!u[port.enable]) return;
        const bool shifts = port.position >= 0;
        const int32_t a = shifts ? (position[port.position] - 1) & (port.depth - 1) : row(port);
        const int64_t at = int64_t(a) * port.stride;
        const Entry* const e = p.entries.rows + port.entry;
        for (int32_t i = 0; i < port.entries; ++i) memory[e[i].base + at] = values[e[i].slot];
    }
    // A block RAM's registered output; what it will show is put aside.
    template <typename T, typename Bit>
    void fetch(const Port& port, const T* memory, const T* values, T* next, Bit bit) const {
        const Entry* const e = p.entries.rows + port.entry;
        const bool reset = u[port.reset], enable = u[port.enable];
        const int64_t at = enable ? int64_t(row(port)) * port.stride : 0;
        for (int32_t i = 0; i < port.entries; ++i) {
            T& to = *next++;
            if (reset) to = bit(e[i].reset_value);
            else if (!enable) to = values[e[i].slot];
            else to = u[e[i].through_enable] ? values[e[i].through] : memory[e[i].base + at];
        }
    }
    template <typename T> void commit(const Port& port, T* values, const T* next) const {
        const Entry* const e = p.entries.rows + port.entry;
        for (int32_t i = 0; i < port.entries; ++i) values[e[i].slot] = next[i];
    }

    void settle() {
        uint8_t* const b = u.data();
        for (const Look& l : p.looks) {
            if (l.slot < 0) {
                read(p.ports[l.in[0]], u_memory.data(), b);
                continue;
            }
            const int index = b[l.in[0]] | b[l.in[1]] << 1 | b[l.in[2]] << 2 | b[l.in[3]] << 3
                              | b[l.in[4]] << 4 | b[l.in[5]] << 5;
            b[l.slot] = ((uint64_t(uint32_t(l.high)) << 32 | uint32_t(l.low)) >> index) & 1;
        }
        for (const Pair& s : p.splats) v[s.to] = all(b[s.from]);
        for (const int32_t port : p.v_reads) read(p.ports[port], v_memory.get(), v.get());
        const Step* step = p.steps.rows;
        for (const Range& run : p.runs) {
            RUNNERS[run.table](v.get(), step, run.count);
            step += run.count;
        }
    }

    void edge() {
        // What is read must be old: block RAM outputs and flops' sources that are flops first.
        uint8_t* const b = u.data();
        uint8_t* u_aside = u_next.data();
        V* v_aside = v_next.get();
        for (const int32_t i : p.u_synchronous) {
            fetch(p.ports[i], u_memory.data(), b, u_aside, [](int32_t bit) { return uint8_t(bit); });
            u_aside += p.ports[i].entries;
        }
        for (const int32_t i : p.v_synchronous) {
            fetch(p.ports[i], v_memory.get(), v.get(), v_aside, [](int32_t bit) { return all(bit); });
            v_aside += p.ports[i].entries;
        }
        for (const int32_t i : p.u_writes) write(p.ports[i], u_memory.data(), b);
        for (const int32_t i : p.v_writes) write(p.ports[i], v_memory.get(), v.get());
        for (const Group& g : p.v_groups)
            if (b[g.enable] && !b[g.reset])
                for (int32_t i = 0; i < g.holds; ++i) {
                    const Pair& hold = p.v_holds[g.hold + i];
                    v[hold.to] = v[hold.from];
                }
        for (const Group& g : p.v_groups) clock(g);
        for (const Group& g : p.u_groups) {
            const Pair* const flop = p.u_flops.rows + g.flop;
            if (b[g.reset])
                for (int32_t i = 0; i < g.flops; ++i) *u_aside++ = uint8_t(g.reset_value);
            else if (b[g.enable])
                for (int32_t i = 0; i < g.flops; ++i) *u_aside++ = b[flop[i].from];
            else
                for (int32_t i = 0; i < g.flops; ++i) *u_aside++ = b[flop[i].to];
        }
        shift();
        u_aside = u_next.data();
        v_aside = v_next.get();
        for (const int32_t i : p.u_synchronous) {
            commit(p.ports[i], b, u_aside);
            u_aside += p.ports[i].entries;
        }
        for (const int32_t i : p.v_synchronous) {
            commit(p.ports[i], v.get(), v_aside);
            v_aside += p.ports[i].entries;
        }
        for (const Pair& flop : p.u_flops) b[flop.to] = *u_aside++;
    }
    void clock(const Group& g) {
        const Pair* const flop = p.v_flops.rows + g.flop;
        if (u[g.reset])
            for (int32_t i = 0; i < g.flops; ++i) v[flop[i].to] = all(g.reset_value);
        else if (u[g.enable])
            for (int32_t i = 0; i < g.flops; ++i) v[flop[i].to] = v[flop[i].from];
    }
    // Shift registers stand still and their first place moves; u is still that before the edge.
    void shift() {
        for (const auto* writes : {&p.u_writes, &p.v_writes})
            for (const int32_t i : *writes) {
                const Port& port = p.ports[i];
                if (port.position >= 0 && u[port.enable])
                    position[port.position] = (position[port.position] - 1) & (port.depth - 1);
            }
    }

    void take(const HwbRun& run) {
        const uint64_t bytes = counts.in_bits / 8, words = run.frame_in_words;
        const uint64_t frame = run.in_done / words * LANES, word = run.in_done % words;
        for (uint64_t byte = 0; byte < bytes; ++byte)
            for (int lane = 0; lane < LANES; lane += 8) {
                const uint8_t* from = run.input + ((frame + lane) * words + word) * bytes + byte;
                uint64_t x = 0;
                for (int k = 0; k < 8; ++k, from += words * bytes) x |= uint64_t(*from) << (8 * k);
                x = transposed(x);
                for (int bit = 0; bit < 8; ++bit) {
                    const int32_t slot = p.in_slots[8 * byte + bit];
                    if (slot >= 0)
                        reinterpret_cast<uint8_t*>(&v[slot])[lane / 8] = uint8_t(x >> (8 * bit));
                }
            }
    }
    // Bytes of the word in `slots` of every lane, `pitch` bytes from one lane to the next.
    void give(const int32_t* slots, int32_t bits, uint8_t* to, uint64_t pitch) const {
        for (int32_t byte = 0; byte < (bits + 7) / 8; ++byte)
            for (int lane = 0; lane < LANES; lane += 8) {
                uint64_t x = 0;
                for (int bit = 0; bit < 8 && 8 * byte + bit < bits; ++bit) {
                    const V& value = v[slots[8 * byte + bit]];
                    x |= uint64_t(reinterpret_cast<const uint8_t*>(&value)[lane / 8]) << (8 * bit);
                }
                x = transposed(x);
                for (int k = 0; k < 8; ++k) to[(lane + k) * pitch + byte] = uint8_t(x >> (8 * k));
            }
    }

    void watch(uint64_t cycle) {
        for (Watched& stream : watched) {
            HwbStream& c = *stream.counts;
            const bool valid = u[stream.slots.valid], ready = u[stream.slots.ready];
            if (stream.waiting && !valid)
                throw std::runtime_error("a stream's tvalid was taken back before tready");
            stream.waiting = valid && !ready;
            if (!valid || !ready) {
                (valid ? c.stalled : ready ? c.starved : c.idle) += LANES;
                continue;
            }
            if (c.words) {
                if (c.moved >= c.room)
                    throw std::runtime_error("a stream carries more words than the frames have");
                // frames * words in all, of which the lanes' are a frame's words apart
                const uint64_t words = c.room / frames, index = c.moved / LANES;
                const uint64_t bytes = (stream.slots.bits + 7) / 8;
                const uint64_t at = index / words * LANES * words + index % words;
                give(p.stream_data.rows + stream.slots.data, stream.slots.bits, c.words + at * bytes,
                     words * bytes);
                for (int lane = 0; lane < LANES; ++lane) c.cycles[at + lane * words] = cycle;
            }
            c.moved += LANES;
        }
    }

    void receive(HwbRun& run) {
        if (run.out_done >= run.out_words)
            throw std::runtime_error("m_axis: a word after the last frame");
        const uint64_t words = run.frame_end[0], bytes = counts.out_bits / 8;
        const uint64_t frame = run.out_done / words * LANES, word = run.out_done % words;
        give(p.out_slots.rows, counts.out_bits, run.output + (frame * words + word) * bytes,
             words * bytes);
        ++run.out_done;
        const bool last = run.out_done % words == 0;
        if (last != bool(u[io.m_last]))
            throw std::runtime_error("m_axis: tlast is " + std::to_string(u[io.m_last]) + " at word "
                                     + std::to_string(word) + " of a frame, which has "
                                     + std::to_string(words) + " words");
        if (last)
            for (int lane = 0; lane < LANES; ++lane) run.frame_done[frame + lane] = run.cycle;
        run.last_progress = run.cycle;
    }

    void offer(HwbRun& run) {
        bool valid = run.in_done < run.in_words;
        if (valid && run.throttle_num)
            valid = (run.cycle + 1) * run.throttle_den >= run.next_word_at;
        if (valid && run.stall_in) valid = draw(run.random) >= run.stall_in;
        if (valid) {
            take(run);
            u[io.s_last] = (run.in_done + 1) % run.frame_in_words == 0;
            if (run.throttle_num) {
                const uint64_t at = (run.cycle + 1) * run.throttle_den;
                const uint64_t due = run.next_word_at + run.throttle_den > at ? run.next_word_at : at;
                run.next_word_at = due + run.throttle_num;
            }
        } else if (run.stall_in) {
            draw(run.random);
            for (const int32_t slot : p.in_slots)
                if (slot >= 0) v[slot] = any();
            u[io.s_last] = 0;
        }
        run.in_valid = valid;
        u[io.s_valid] = valid;
    }

    uint64_t frames = LANES;  // of the run, over all lanes

  public:
    Machine(const Program& program, uint64_t seed)
        : p(program), io(program.signals[0]), random((seed * 2 + 1) * 0x9E3779B97F4A7C15) {
        counts = p.counts[0];
        uint64_t u_most = p.u_flops.count + 1, v_most = 1;
        for (const int32_t i : p.u_synchronous) u_most += p.ports[i].entries;
        for (const int32_t i : p.v_synchronous) v_most += p.ports[i].entries;
        u_next.resize(u_most);
        position.resize(counts.positions + 1);
        v = vectors(counts.v_slots);
        v_next = vectors(v_most);
        v_memory = vectors(p.v_memory.count);
        for (int i = 0; i < 8; ++i) draw(random);
        const auto bit = [&](int8_t start) { return uint8_t(start == 2 ? draw(random) & 1 : start); };
        for (const int8_t start : p.u_start) u.push_back(bit(start));
        for (const int8_t start : p.u_memory) u_memory.push_back(bit(start));
        for (uint64_t i = 0; i < p.v_start.count; ++i) v[i] = first(p.v_start[i]);
        for (uint64_t i = 0; i < p.v_memory.count; ++i) v_memory[i] = first(p.v_memory[i]);
        settle();
    }

    void reset(uint64_t cycles) override {
        u[io.s_valid] = u[io.m_ready] = u[io.rst_n] = 0;
        settle();
        for (uint64_t i = 0; i < cycles; ++i) {
            edge();
            settle();
        }
        edge();
        u[io.rst_n] = 1;
        settle();
        for (Watched& stream : watched) stream.waiting = false;
    }

    void bind(const char* const* names, HwbStream* streams, uint64_t count) override {
        watched.clear();
        for (uint64_t i = 0; i < count; ++i) {
            uint64_t k = 0;
            while (k < p.streams.count && strcmp(p.stream_names[k], names[i])) ++k;
            if (k == p.streams.count)
                throw std::runtime_error(std::string("the netlist has no stream ") + names[i]);
            if (p.streams[k].valid < 0) throw std::runtime_error(std::string(names[i]) + " is no net");
            watched.push_back({p.streams[k], &streams[i], false});
        }
    }

    void state(uint8_t* valid, uint8_t* ready) override {
        for (size_t i = 0; i < watched.size(); ++i) {
            valid[i] = u[watched[i].slots.valid];
            ready[i] = u[watched[i].slots.ready];
        }
    }

    int32_t go(HwbRun& run, uint64_t budget) override {
        if (!run.started) {
            run.started = run.out_ready = 1;
            edge();
            u[io.m_ready] = 1;
            u[io.s_valid] = 0;
            settle();
        }
        frames = run.in_words / run.frame_in_words * LANES;
        for (; budget; --budget) {
            if (run.watch) watch(run.cycle);
            const bool was_valid = run.in_valid, taken = was_valid && u[io.s_ready];
            if (taken) {
                if (run.in_done++ == 0) run.first_in = run.cycle;
                run.last_progress = run.cycle;
            }
            if (u[io.m_valid] && run.out_ready) receive(run);
            edge();  // with this cycle's inputs; those of the next follow
            if (taken || !was_valid) offer(run);
            if (run.stall_out) u[io.m_ready] = run.out_ready = draw(run.random) >= run.stall_out;
            ++run.cycle;
            settle();
            if (run.out_done == run.out_words && run.in_done == run.in_words && all_kept())
                return silence();
            if (run.cycle - run.last_progress > run.hang_limit) return HWB_HUNG;
        }
        return HWB_MORE;
    }

    // As in driver.cpp; without a watch there is nothing to keep.
    bool all_kept() const {
        for (const Watched& stream : watched)
            if (stream.counts->words && stream.counts->moved < stream.counts->room) return false;
        return true;
    }

    int32_t silence() {
        for (int i = 0; i < SILENT_CYCLES; ++i) {
            edge();
            u[io.m_ready] = 1;
            settle();
            if (u[io.m_valid]) throw std::runtime_error("m_axis: a word after the last frame");
        }
        return HWB_DONE;
    }
};

template <typename Body> int32_t guarded(void* handle, Body body) {
    Model* const model = static_cast<Model*>(handle);
    try {
        return body(*model);
    } catch (const std::exception& error) {
        model->message = error.what();
        return HWB_FAILED;
    }
}

int32_t none(void* handle, const char* what) {
    static_cast<Model*>(handle)->message = std::string("the engine lanes has no ") + what;
    return HWB_FAILED;
}

}  // namespace

extern "C" {

int32_t hwb_abi() { return HWB_ABI; }

#pragma GCC visibility push(default)
void* hwb_lanes(const Program* program, uint64_t lanes, uint64_t seed, char* error, uint64_t size) {
    try {
        if (lanes == 64) return static_cast<Model*>(new Machine<64>(*program, seed));
        if (lanes == 256) return static_cast<Model*>(new Machine<256>(*program, seed));
        return static_cast<Model*>(new Machine<512>(*program, seed));
    } catch (const std::exception& failure) {
        snprintf(error, size, "%s", failure.what());
        return nullptr;
    }
}
#pragma GCC visibility pop

void* hwb_create(const char*, uint64_t, char*, uint64_t) { return nullptr; }
void hwb_destroy(void* handle) { delete static_cast<Model*>(handle); }
const char* hwb_message(void* handle) { return static_cast<Model*>(handle)->message.c_str(); }
void hwb_ports(void* handle, uint64_t* in_bytes, uint64_t* out_bytes) {
    *in_bytes = static_cast<Model*>(handle)->counts.in_bits / 8;
    *out_bytes = static_cast<Model*>(handle)->counts.out_bits / 8;
}
int32_t hwb_reset(void* handle, uint64_t cycles) {
    return guarded(handle, [&](Model& m) { return m.reset(cycles), int32_t(HWB_DONE); });
}
int32_t hwb_bind(void* handle, const char*, const char* const* names, HwbStream* streams,
                 uint64_t count) {
    return guarded(handle, [&](Model& m) { return m.bind(names, streams, count), int32_t(HWB_DONE); });
}
int32_t hwb_state(void* handle, uint8_t* valid, uint8_t* ready) {
    return static_cast<Model*>(handle)->state(valid, ready), HWB_DONE;
}
uint32_t hwb_config_status(void*) { return 0; }
uint32_t hwb_config_loaded(void*, uint32_t) { return 0; }
uint64_t hwb_find(void*, const char*, char* scopes, uint64_t size) {
    if (size) scopes[0] = 0;
    return 0;
}
int32_t hwb_get(void* handle, const char*, const char*, uint64_t*) { return none(handle, "variables"); }
int32_t hwb_set(void* handle, const char*, const char*, uint64_t) { return none(handle, "variables"); }
int32_t hwb_trace(void* handle, const char*, uint64_t, uint64_t, uint64_t) {
    return none(handle, "waves");
}
int32_t hwb_run(void* handle, HwbRun* run, uint64_t budget) {
    return guarded(handle, [&](Model& m) { return m.go(*run, budget); });
}

}  // extern "C"
