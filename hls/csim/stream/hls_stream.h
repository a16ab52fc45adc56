// hls::stream for C simulation, one kernel after the other: unbounded, and checked.
//
// Each kernel takes all of its input before the next one starts, so a stream holds whatever is
// written. Reading an empty stream is an error (the hardware would wait for ever), and so are words
// that nobody reads (the hardware would fill up and stand): see driver.hpp.
#pragma once

#define HW_BNN_STEP hw_bnn::csim::steps()++

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace hw_bnn {
namespace csim {

// Steps of the loops of this thread: one a clock cycle, at the initiation interval 1.
inline unsigned long long& steps() {
  static thread_local unsigned long long count = 0;
  return count;
}

struct stream_base {
  std::string name;
  size_t peak = 0;
  explicit stream_base(const char* given) : name(given) {}
  virtual ~stream_base() {}
};

}  // namespace csim
}  // namespace hw_bnn

namespace hls {

template <typename T> class stream : public hw_bnn::csim::stream_base {
 public:
  explicit stream(const char* given = "stream") : stream_base(given) {}

  T read() {
    if (head == words.size()) throw std::runtime_error("stream " + name + " is read while empty");
    T word = words[head++];
    if (head == words.size()) {
      words.clear();
      head = 0;
    }
    return word;
  }
  void write(const T& word) {
    words.push_back(word);
    if (words.size() - head > peak) peak = words.size() - head;
  }
  size_t size() const { return words.size() - head; }

 private:
  std::vector<T> words;
  size_t head = 0;
};

}  // namespace hls

// A process of a dataflow region: here a plain call, in the order in which they stand.
#define HW_BNN_PROCESS(call) call
