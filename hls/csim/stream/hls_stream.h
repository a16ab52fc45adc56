// hls::stream for C simulation, one kernel after the other: unbounded, and checked.
//
// Each kernel takes all of its input before the next one starts, so a stream holds whatever is
// written. Reading an empty stream is an error (the hardware would wait for ever), and so are words
// that nobody reads (the hardware would fill up and stand): see driver.hpp.
#pragma once

#define HW_BNN_REGION HW_BNN_COUNT_FRAMES
#define HW_BNN_DEPTH(stream, words)
#define HW_BNN_PROCESS(...) __VA_ARGS__  // a plain call, in the order in which they stand

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "counts.hpp"

namespace hw_bnn {
namespace csim {

// Words of the streams that are watched, by name, as driver.hpp lays words down; or none.
typedef std::map<std::string, std::vector<unsigned char> > record;
inline record*& recorded() {
  static record* only = nullptr;
  return only;
}
template <typename T> void append(std::vector<unsigned char>& bytes, const T& word);

}  // namespace csim
}  // namespace hw_bnn

namespace hls {

template <typename T> class stream {
 public:
  explicit stream(const char* given = "stream") : name(given) {
    if (hw_bnn::csim::recorded() != nullptr) {
      auto found = hw_bnn::csim::recorded()->find(name);
      if (found != hw_bnn::csim::recorded()->end()) bytes = &found->second;
    }
  }

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
#ifdef HW_BNN_RECORD
    if (bytes != nullptr) hw_bnn::csim::append(*bytes, word);
#endif
  }
  size_t size() const { return words.size() - head; }

 private:
  std::string name;
  std::vector<T> words;
  size_t head = 0;
  std::vector<unsigned char>* bytes = nullptr;
};

}  // namespace hls

