// Streams frames through a Verilated accelerator (module bnn_bench around it).
//
// A call of hwb_run simulates up to `budget` cycles of a run. One cycle is one evaluation: the
// model's remembered clock is set low by hand (HWB_LAST_CLOCK names that member), which spares the
// evaluation of the falling edge, at which nothing in an accelerator happens. Built without that
// name, or with waves, the falling edge is evaluated too; the results are the same.
#include "driver.hpp"

#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vbench.h"
#include "Vbench___024root.h"
#include "verilated.h"
#include "verilated_sym_props.h"
#include "verilated_syms.h"
#ifdef HWB_TRACE
#include "verilated_fst_c.h"
#endif

#ifdef HWB_TRACE
#undef HWB_LAST_CLOCK
#endif

// ---------------------------------------------------------------- the runtime's hooks (hooks.hpp)

#ifdef HWB_TRACE
void std::hwb_abort() { throw std::runtime_error("cannot be written: is the disk full?"); }
#endif

namespace {
thread_local std::string t_messages;           // what the design printed since the last call
thread_local std::string t_memory_folder;      // where relative file names are looked up
constexpr size_t MAX_MESSAGES = 64 * 1024;     // a design that prints each cycle must not fill memory
constexpr size_t IN_BYTES = HWB_IN_BYTES, OUT_BYTES = HWB_OUT_BYTES;  // of the ports' tdata
constexpr int SILENT_CYCLES = 32;              // watched for surplus words after the last frame
constexpr int32_t HWB_ABI = 3;                 // raised whenever driver.hpp changes
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

// The ports' bytes are copied as they lie in memory: word 0 of a wide port first, low byte first.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

static std::string place(const char* file, int line, const char* text) {
    std::string where = file && file[0] ? file : "";
    const size_t slash = where.rfind('/');
    if (slash != std::string::npos) where.erase(0, slash + 1);
    if (line > 0) where += ":" + std::to_string(line);
    return where.empty() ? text : where + ": " + text;
}

static void stop(const std::string& reason) {
    std::string text = t_messages;
    t_messages.clear();
    while (!text.empty() && text.back() == '\n') text.pop_back();
    throw std::runtime_error(text.empty() ? reason : text + " (" + reason + ")");
}

void vl_finish(const char* file, int line, const char*) { stop(place(file, line, "$finish")); }
void vl_stop(const char* file, int line, const char*) { stop(place(file, line, "$stop")); }
void vl_fatal(const char* file, int line, const char*, const char* text) {
    stop(place(file, line, text));
}
void vl_warn(const char* file, int line, const char*, const char* text) {
    stop(place(file, line, text));
}

// The linker sends every fopen of this library here (-Wl,--wrap=fopen): $readmemh of a relative
// name reads from the folder given to hwb_create, whatever the process's working directory is.
extern "C" FILE* __real_fopen(const char* path, const char* mode);
extern "C" FILE* __wrap_fopen(const char* path, const char* mode) {
    if (path[0] == '/' || t_memory_folder.empty()) return __real_fopen(path, mode);
    return __real_fopen((t_memory_folder + "/" + path).c_str(), mode);
}

// ------------------------------------------------------------------------------------- the model

namespace {

struct Watched {
    const uint8_t* valid;
    const uint8_t* ready;
    const uint8_t* data;  // null where the build does not show it
    size_t bytes;
    std::string name;
    HwbStream* counts;
    std::vector<uint8_t> offered;
    bool waiting;
};

struct Model {
    VerilatedContext context;
    std::unique_ptr<Vbench> top;
    std::vector<Watched> watched;
    std::string message;
#ifdef HWB_TRACE
    VerilatedFstC trace;
    uint64_t trace_from = 0, trace_to = 0, period_ps = 10000;
    bool trace_broken = false;  // its writer gave up: it is neither called nor destroyed any more

    template <typename Body> void written(Body body) {
        if (trace_broken) return;
        try {
            body();
        } catch (...) {
            trace_broken = true;
            throw;
        }
    }

    // Cycle c of the run starts with a rising edge at time c*period; reset comes before time 0.
    void dump(int64_t cycle, bool high) {
        if (cycle < 0 || uint64_t(cycle) < trace_from || uint64_t(cycle) >= trace_to) return;
        written([&] { trace.dump(cycle * period_ps + (high ? 0 : period_ps / 2)); });
    }
#endif

    // Clocks the model once: afterwards it shows cycle `next` of the run (below 0: in reset).
    void tick([[maybe_unused]] int64_t next) {
#ifdef HWB_LAST_CLOCK
        top->rootp->HWB_LAST_CLOCK = 0;
#else
        top->ap_clk = 0;
        top->eval();
#endif
#ifdef HWB_TRACE
        dump(next - 1, false);
#endif
        top->ap_clk = 1;
        top->eval();
#ifdef HWB_TRACE
        dump(next, true);
#endif
    }

    VerilatedVar* find(const char* scope, const char* variable) {
        const VerilatedScope* const found = context.scopeFind(scope);
        return found ? found->varFind(variable) : nullptr;
    }
};

// Pauses: a 64-bit xorshift generator; the upper half is compared with the probability.
inline uint32_t draw(uint64_t& state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return uint32_t(state >> 32);
}

template <typename Body> int32_t guarded(Model* model, Body body) {
    try {
        return body();
    } catch (const std::exception& error) {
        model->message = error.what();
        return HWB_FAILED;
    }
}

// Counts one cycle of every stream, keeps what it carries and checks that an offered word stays.
void watch(Model& model, uint64_t cycle) {
    for (Watched& stream : model.watched) {
        HwbStream& counts = *stream.counts;
        const bool valid = *stream.valid, ready = *stream.ready;
        if (stream.waiting) {
            if (!valid) throw std::runtime_error(stream.name + ": tvalid was taken back before tready");
            if (stream.data && memcmp(stream.offered.data(), stream.data, stream.bytes))
                throw std::runtime_error(stream.name + ": tdata changed while it waited for tready");
        }
        stream.waiting = valid && !ready;
        if (!valid) {
            ++(ready ? counts.starved : counts.idle);
        } else if (!ready) {
            ++counts.stalled;
            if (stream.data) memcpy(stream.offered.data(), stream.data, stream.bytes);
        } else {
            if (counts.words) {
                if (counts.moved >= counts.room)
                    throw std::runtime_error(stream.name + ": more words than the frames have");
                memcpy(counts.words + counts.moved * stream.bytes, stream.data, stream.bytes);
                counts.cycles[counts.moved] = cycle;
            }
            ++counts.moved;
        }
    }
}

// Whether the streams that are kept have carried all their words. The last ones of a frame may be of a
// border, or pixels, that no window needs: they move when the frame is out already.
bool all_kept(const Model& model) {
    for (const Watched& stream : model.watched)
        if (stream.counts->words && stream.counts->moved < stream.counts->room) return false;
    return true;
}

// Takes the output word that is being transferred in this cycle.
inline void receive(Model& model, HwbRun& run) {
    Vbench& top = *model.top;
    if (run.out_done >= run.out_words) throw std::runtime_error("m_axis: a word after the last frame");
    memcpy(run.output + run.out_done * OUT_BYTES, &top.m_axis_tdata, OUT_BYTES);
    ++run.out_done;
    const uint64_t frame = run.frames_done;
    const bool last = run.out_done == run.frame_end[frame];
    if (last != bool(top.m_axis_tlast)) {
        const uint64_t begin = frame ? run.frame_end[frame - 1] : 0;
        throw std::runtime_error("m_axis: tlast is " + std::to_string(top.m_axis_tlast) + " at word "
                                 + std::to_string(run.out_done - 1 - begin) + " of frame "
                                 + std::to_string(frame) + ", which has "
                                 + std::to_string(run.frame_end[frame] - begin) + " words");
    }
    if (last) run.frame_done[run.frames_done++] = run.cycle;
    run.last_progress = run.cycle;
}

#ifdef HW_BNN_CONFIG
constexpr uint32_t CONFIG_BUSY = 8;  // of cfg_status: a packet is being worked on

// The config port in one cycle: whether the word offered has gone, and what is offered next.
inline void configure(Model& model, HwbRun& run) {
    Vbench& top = *model.top;
    if (run.config_valid && !top.s_axis_cfg_tready) return;
    if (run.config_valid) {
        ++run.config_done;
        run.last_progress = run.cycle;
    }
    const uint64_t next = run.config_done;
    run.config_valid = next < run.config_words && run.cycle + 1 >= run.config_from[next];
    top.next_cfg_tvalid = run.config_valid;
    if (run.config_valid) top.next_cfg_tdata = run.config[next];
}

inline bool configured(Model& model, const HwbRun& run) {
    return run.config_done == run.config_words && !(model.top->cfg_status & CONFIG_BUSY);
}
#else
inline void configure(Model&, HwbRun&) {}
inline bool configured(Model&, const HwbRun&) { return true; }
#endif

// Decides what s_axis offers in the next cycle, given that the present word has gone or there is
// none.
inline void offer(Model& model, HwbRun& run) {
    Vbench& top = *model.top;
    bool valid = run.in_done < run.in_words && !(run.hold && !configured(model, run));
    if (valid && run.throttle_num)
        valid = (run.cycle + 1) * run.throttle_den >= run.next_word_at;
    if (valid && run.stall_in) valid = draw(run.random) >= run.stall_in;
    if (valid) {
        memcpy(&top.next_tdata, run.input + run.in_done * IN_BYTES, IN_BYTES);
#ifdef HW_BNN_CONTEXTS
        top.next_tuser = run.names[run.in_done / run.frame_in_words];
#endif
        top.next_tlast = (run.in_done + 1) % run.frame_in_words == 0;
        if (run.throttle_num) {
            const uint64_t at = (run.cycle + 1) * run.throttle_den;
            const uint64_t due = run.next_word_at + run.throttle_den > at ? run.next_word_at : at;
            run.next_word_at = due + run.throttle_num;
        }
    } else if (run.stall_in) {
        memset(&top.next_tdata, int(draw(run.random) & 0xff), IN_BYTES);
        top.next_tlast = 0;
    }
    run.in_valid = valid;
    top.next_tvalid = valid;
}

template <bool Watch> int32_t go(Model& model, HwbRun& run, uint64_t budget) {
    Vbench& top = *model.top;
    for (; budget; --budget) {
        // The model shows the cycle run.cycle; decide the inputs of the next and clock it.
        if (Watch) watch(model, run.cycle);
        configure(model, run);
        if (run.in_valid) {
            if (top.s_axis_tready) {
                if (run.in_done++ == 0) run.first_in = run.cycle;
                run.last_progress = run.cycle;
                offer(model, run);
            }
        } else {
            offer(model, run);
        }
        if (top.m_axis_tvalid && run.out_ready) receive(model, run);
        if (run.stall_out) {
            run.out_ready = draw(run.random) >= run.stall_out;
            top.next_tready = run.out_ready;
        }
        ++run.cycle;
        model.tick(int64_t(run.cycle));
        if (run.out_done == run.out_words && run.in_done == run.in_words && configured(model, run)
            && (!Watch || all_kept(model)))
            return HWB_DONE;
        if (run.cycle - run.last_progress > run.hang_limit) return HWB_HUNG;
    }
    return HWB_MORE;
}

// After the last frame nothing more may come out.
void expect_silence(Model& model, HwbRun& run) {
    Vbench& top = *model.top;
    top.next_tready = 1;
    for (int i = 0; i < SILENT_CYCLES; ++i) {
        model.tick(int64_t(run.cycle) + 1 + i);
        if (top.m_axis_tvalid) throw std::runtime_error("m_axis: a word after the last frame");
    }
}

}  // namespace

extern "C" {

int32_t hwb_abi() { return HWB_ABI; }

void* hwb_create(const char* memory_folder, uint64_t seed, char* error, uint64_t error_size) {
    std::unique_ptr<Model> model{new Model};
    t_memory_folder = memory_folder;
    t_messages.clear();
    try {
        model->context.randReset(2);  // registers without a reset start with random bits
        model->context.randSeed(int(seed & 0x7fffffff) | 1);
        model->context.fatalOnError(true);
#ifdef HWB_TRACE
        model->context.traceEverOn(true);
#endif
        model->top.reset(new Vbench{&model->context, ""});
        model->top->ap_clk = 0;
        model->top->next_rst_n = 0;
        model->top->next_tvalid = 0;
        model->top->next_tlast = 0;
        model->top->next_tready = 0;
#ifdef HW_BNN_CONFIG
        model->top->next_cfg_tvalid = 0;
        model->top->next_cfg_context = 0;
#endif
#ifdef HW_BNN_CONTEXTS
        model->top->next_tuser = 0;
#endif
        model->top->eval();  // runs the initial blocks: memory files are read
        return model.release();
    } catch (const std::exception& failure) {
        snprintf(error, error_size, "%s", failure.what());
        return nullptr;
    }
}

void hwb_destroy(void* handle) {
    Model* const model = static_cast<Model*>(handle);
#ifdef HWB_TRACE
    guarded(model, [&]() -> int32_t {
        model->written([&] { if (model->trace.isOpen()) model->trace.close(); });
        return HWB_DONE;
    });
    if (model->trace_broken) return;
#endif
    // The runtime looks for a model's scopes in the thread's context, which is the newest model's.
    Verilated::threadContextp(&model->context);
    delete model;
    Verilated::threadContextp(Verilated::defaultContextp());
}

const char* hwb_message(void* handle) { return static_cast<Model*>(handle)->message.c_str(); }

void hwb_ports(void* handle, uint64_t* in_bytes, uint64_t* out_bytes) {
    (void)handle;
    *in_bytes = IN_BYTES;
    *out_bytes = OUT_BYTES;
}

// Holds reset for `cycles` clock cycles; ends with the reset released in the cycle that is shown.
int32_t hwb_reset(void* handle, uint64_t cycles) {
    Model* const model = static_cast<Model*>(handle);
    return guarded(model, [&] {
        Vbench& top = *model->top;
        top.next_tvalid = 0;
        top.next_tready = 0;
#ifdef HW_BNN_CONFIG
        top.next_cfg_tvalid = 0;
#endif
        top.next_rst_n = 0;
        for (uint64_t i = 0; i <= cycles; ++i) model->tick(-2);
        top.next_rst_n = 1;
        model->tick(-1);
        for (Watched& stream : model->watched) stream.waiting = false;
        return int32_t(HWB_DONE);
    });
}

// Watches the streams NAME_tvalid, NAME_tready, NAME_tdata of a scope; counts go to streams[i].
int32_t hwb_bind(void* handle, const char* scope, const char* const* names, HwbStream* streams,
                 uint64_t count) {
    Model* const model = static_cast<Model*>(handle);
    return guarded(model, [&] {
        model->watched.clear();
        for (uint64_t i = 0; i < count; ++i) {
            const std::string name = names[i];
            const VerilatedVar* const valid = model->find(scope, (name + "_tvalid").c_str());
            const VerilatedVar* const ready = model->find(scope, (name + "_tready").c_str());
            const VerilatedVar* const data = model->find(scope, (name + "_tdata").c_str());
            if (!valid || !ready)
                throw std::runtime_error(std::string(scope) + " has no stream " + name);
            Watched stream{};
            stream.valid = static_cast<const uint8_t*>(valid->datap());
            stream.ready = static_cast<const uint8_t*>(ready->datap());
            stream.data = data ? static_cast<const uint8_t*>(data->datap()) : nullptr;
            stream.bytes = data ? (data->entBits() + 7) / 8 : 0;
            if (streams[i].words && !data)
                throw std::runtime_error("the build does not show the data of stream " + name);
            stream.name = name;
            stream.counts = &streams[i];
            stream.offered.resize(stream.bytes);
            model->watched.push_back(std::move(stream));
        }
        return int32_t(HWB_DONE);
    });
}

// valid[i], ready[i] of the streams bound, in the cycle that the model shows.
int32_t hwb_state(void* handle, uint8_t* valid, uint8_t* ready) {
    Model* const model = static_cast<Model*>(handle);
    for (size_t i = 0; i < model->watched.size(); ++i) {
        valid[i] = *model->watched[i].valid;
        ready[i] = *model->watched[i].ready;
    }
    return HWB_DONE;
}

// Scopes that have a variable of this name, separated by newlines; returns the text's full length.
uint64_t hwb_find(void* handle, const char* variable, char* scopes, uint64_t size) {
    Model* const model = static_cast<Model*>(handle);
    std::string text;
    for (const auto& entry : *model->context.scopeNameMap())
        if (entry.second->varFind(variable)) text += std::string(entry.first) + "\n";
    if (size) snprintf(scopes, size, "%s", text.c_str());
    return text.size();
}

static int32_t variable_access(Model* model, const char* scope, const char* name, uint64_t* value,
                               bool write) {
    return guarded(model, [&] {
        const VerilatedVar* const variable = model->find(scope, name);
        if (!variable)
            throw std::runtime_error(std::string(scope) + " has no variable " + name);
        size_t bytes = 0;
        switch (variable->vltype()) {
        case VLVT_UINT8: bytes = 1; break;
        case VLVT_UINT16: bytes = 2; break;
        case VLVT_UINT32: bytes = 4; break;
        case VLVT_UINT64: bytes = 8; break;
        default: throw std::runtime_error(std::string(name) + " is wider than 64 bits");
        }
        if (write) {
            memcpy(variable->datap(), value, bytes);
        } else {
            *value = 0;
            memcpy(value, variable->datap(), bytes);
        }
        return int32_t(HWB_DONE);
    });
}

int32_t hwb_get(void* handle, const char* scope, const char* variable, uint64_t* value) {
    return variable_access(static_cast<Model*>(handle), scope, variable, value, false);
}

int32_t hwb_set(void* handle, const char* scope, const char* variable, uint64_t value) {
    return variable_access(static_cast<Model*>(handle), scope, variable, &value, true);
}

// Writes the waves of the cycles from <= c < to of the runs that follow to a file (FST).
int32_t hwb_trace(void* handle, const char* path, uint64_t from, uint64_t to, uint64_t period_ps) {
    Model* const model = static_cast<Model*>(handle);
    return guarded(model, [&]() -> int32_t {
#ifdef HWB_TRACE
        model->written([&] { if (model->trace.isOpen()) model->trace.close(); });
        if (model->trace_broken) std::hwb_abort();
        if (!path) return HWB_DONE;
        model->top->trace(&model->trace, 99);
        model->trace.set_time_unit("1ps");
        model->trace.set_time_resolution("1ps");
        model->trace.open(path);
        if (!model->trace.isOpen()) throw std::runtime_error("cannot be written");
        model->trace_from = from;
        model->trace_to = to;
        model->period_ps = period_ps;
        return HWB_DONE;
#else
        (void)path, (void)from, (void)to, (void)period_ps;
        throw std::runtime_error("the build has no waves");
#endif
    });
}

uint32_t hwb_config_status(void* handle) {
#ifdef HW_BNN_CONFIG
    return static_cast<Model*>(handle)->top->cfg_status;
#else
    (void)handle;
    return 0;
#endif
}

uint32_t hwb_config_loaded(void* handle, uint32_t context) {
#ifdef HW_BNN_CONFIG
    Model* const model = static_cast<Model*>(handle);
    model->top->next_cfg_context = uint8_t(context);
    for (int i = 0; i < 3; ++i) model->tick(-1);  // the bench's register, the gate's, and its look
    return model->top->cfg_loaded;
#else
    (void)handle, (void)context;
    return 0;
#endif
}

// Starts or goes on with a run for at most `budget` cycles.
int32_t hwb_run(void* handle, HwbRun* run, uint64_t budget) {
    Model* const model = static_cast<Model*>(handle);
    t_messages.clear();
    return guarded(model, [&] {
        if (!run->started) {
            run->started = 1;
            run->out_ready = 1;
            model->top->next_tready = 1;
            model->top->next_tvalid = 0;
            model->tick(0);
        }
        const int32_t status = run->watch ? go<true>(*model, *run, budget)
                                          : go<false>(*model, *run, budget);
        if (status == HWB_DONE) expect_silence(*model, *run);
        return status;
    });
}

}  // extern "C"
