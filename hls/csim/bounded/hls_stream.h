// hls::stream for C simulation with a thread a kernel: bounded and blocking, as in hardware.
//
// A stream holds `depth` words (2, as in Vitis, where nobody sets it); a writer waits for room, a
// reader for a word. Kernels are deterministic, so whether they deadlock depends on the depths
// alone and not on the threads' timing. One lock guards all streams: when every thread that is left
// waits, nothing can move any more, and each thread stops with the stream that it waits at.
#pragma once

#define HW_BNN_REGION \
  HW_BNN_COUNT_FRAMES; \
  hw_bnn::csim::processes region
#define HW_BNN_DEPTH(stream, words) stream.set_depth(words)
#define HW_BNN_PROCESS(...) region.start([&] { __VA_ARGS__; })

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "counts.hpp"

namespace hw_bnn {
namespace csim {

struct deadlock : std::exception {};

// What all threads of a run share.
struct world {
  std::mutex lock;
  int running = 0;             // threads that do not wait
  bool stopped = false;        // a deadlock: every wait ends
  std::string blocked, error;  // what the waiting threads waited at; another exception's text
  std::vector<std::condition_variable*> all;
  std::map<std::string, size_t> depths;        // other depths than the design's, by stream
  std::vector<std::function<void()> > around;  // source and sink, started with the kernels

  static world& the() {
    static world only;
    return only;
  }
  void rest() {  // a thread begins to wait or ends; the lock is held
    if (--running == 0) {
      stopped = true;
      for (auto* waiting : all) waiting->notify_all();
    }
  }
};

}  // namespace csim
}  // namespace hw_bnn

namespace hls {

template <typename T> class stream {
 public:
  explicit stream(const char* given = "stream") : name(given) {
    std::lock_guard<std::mutex> guard(world().lock);
    world().all.push_back(&moved);
  }
  ~stream() {
    std::lock_guard<std::mutex> guard(world().lock);
    auto& all = world().all;
    all.erase(std::find(all.begin(), all.end(), &moved));
  }

  T read() {
    std::unique_lock<std::mutex> guard(world().lock);
    await(guard, reader, "empty", [this] { return !words.empty(); });
    T word = words.front();
    words.pop_front();
    wake(writer);
    return word;
  }
  void write(const T& word) {
    std::unique_lock<std::mutex> guard(world().lock);
    await(guard, writer, "full", [this] { return words.size() < depth; });
    words.push_back(word);
    wake(reader);
  }
  size_t size() const { return words.size(); }
  void set_depth(size_t words) {
    auto found = world().depths.find(name);
    depth = found == world().depths.end() ? words : found->second;
  }

 private:
  std::string name;
  size_t depth = 2;
  std::deque<T> words;
  std::condition_variable moved;
  bool reader = false, writer = false;  // one of them waits here

  static hw_bnn::csim::world& world() { return hw_bnn::csim::world::the(); }

  template <typename Ready>
  void await(std::unique_lock<std::mutex>& guard, bool& waiting, const char* state, Ready ready) {
    if (ready()) return;
    waiting = true;
    world().rest();
    moved.wait(guard, [&] { return !waiting || world().stopped; });
    if (waiting) {  // a deadlock: the wait was not ended by the other side
      world().blocked += (world().blocked.empty() ? "" : ", ") + name + " is " + state;
      throw hw_bnn::csim::deadlock();
    }
  }
  void wake(bool& waiting) {
    if (!waiting) return;
    waiting = false;
    world().running++;
    moved.notify_all();
  }
};

}  // namespace hls

namespace hw_bnn {
namespace csim {

// The threads of one dataflow region; they are awaited where the region ends.
struct processes {
  std::vector<std::thread> threads;

  processes() {
    world::the().running++;  // until all are started nobody's wait is the last one
    for (auto& body : world::the().around) start(body);
  }
  template <typename Body> void start(Body body) {
    {
      std::lock_guard<std::mutex> guard(world::the().lock);
      world::the().running++;
    }
    threads.emplace_back([body] {
      std::string error;
      try {
        body();
      } catch (const deadlock&) {
      } catch (const std::exception& other) {
        error = other.what();
      }
      std::lock_guard<std::mutex> guard(world::the().lock);
      if (!error.empty()) world::the().error = error;
      world::the().rest();
    });
  }
  ~processes() {
    {
      std::lock_guard<std::mutex> guard(world::the().lock);
      world::the().rest();
    }
    for (auto& thread : threads) thread.join();
  }
};

}  // namespace csim
}  // namespace hw_bnn
