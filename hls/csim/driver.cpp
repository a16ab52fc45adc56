// C simulation of an accelerator as a shared library: frames in and out as bytes.
//
// The generated top (top.cpp, with the sizes in top.hpp) is compiled into this file, with the
// sequential streams or the bounded ones. How many frames a call takes is said at run time here.
#define HW_BNN_FRAMES frames_of_this_call

#include "driver.hpp"

#include "top.cpp"

#define HW_BNN_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using namespace hw_bnn::csim;

int tell(const std::string& text, char* error, int room) {
  std::strncpy(error, text.c_str(), room - 1);
  return 1;
}

}  // namespace

#ifdef HW_BNN_BOUNDED

// names, depths: streams whose depth is another than the design's. Returns 0, 1 (an error) or 2 (a
// deadlock: the text names the streams that are waited at).
HW_BNN_EXPORT int hwb_bounded(const byte* in, unsigned frames, byte* out, const char* const* names,
                              const unsigned* depths, int changed, char* error, int room) {
  world& all = world::the();
  all.running = 0;
  all.stopped = false;
  all.blocked = all.error = "";
  all.depths.clear();
  for (int i = 0; i < changed; i++) all.depths[names[i]] = depths[i];
  hls::stream<in_word> s_axis("s_axis");
  hls::stream<out_word> m_axis("m_axis");
  all.around = {[&] {
                  const byte* at = in;
                  fill(s_axis, at, (size_t)frames * IN_WORDS);
                },
                [&] {
                  byte* at = out;
                  drain(m_axis, at, (size_t)frames * OUT_WORDS);
                }};
  frames_of_a_call() = frames;
  bnn_accelerator_hls(s_axis, m_axis);
  if (!all.error.empty()) return tell(all.error, error, room);
  if (!all.blocked.empty()) return tell(all.blocked, error, room) + 1;
  return 0;
}

#else

// Frames in one call of the top function.
HW_BNN_EXPORT int hwb_csim(const byte* in, unsigned frames, byte* out, char* error, int room) {
  try {
    hls::stream<in_word> s_axis("s_axis");
    hls::stream<out_word> m_axis("m_axis");
    fill(s_axis, in, (size_t)frames * IN_WORDS);
    frames_of_a_call() = frames;
    bnn_accelerator_hls(s_axis, m_axis);
    drain(m_axis, out, (size_t)frames * OUT_WORDS);
    leftovers("s_axis", s_axis.size());
    leftovers("m_axis", m_axis.size());
    return 0;
  } catch (const std::exception& what) {
    return tell(what.what(), error, room);
  }
}

// The same, a frame a call of the top function, as the hardware runs it.
HW_BNN_EXPORT int hwb_calls(const byte* in, unsigned frames, byte* out, char* error, int room) {
  try {
    frames_of_a_call() = 1;
    for (unsigned frame = 0; frame < frames; frame++) {
      hls::stream<in_word> s_axis("s_axis");
      hls::stream<out_word> m_axis("m_axis");
      fill(s_axis, in, IN_WORDS);
      bnn_accelerator_hls(s_axis, m_axis);
      drain(m_axis, out, OUT_WORDS);
      leftovers("s_axis", s_axis.size());
      leftovers("m_axis", m_axis.size());
    }
    return 0;
  } catch (const std::exception& what) {
    return tell(what.what(), error, room);
  }
}

// From now on the words of the named streams are kept, `words` of them copied by hwb_recorded.
HW_BNN_EXPORT void hwb_watch(const char* const* names, int count) {
  static record words;
  words.clear();
  for (int i = 0; i < count; i++) words[names[i]];
  recorded() = count == 0 ? nullptr : &words;
}

HW_BNN_EXPORT unsigned long long hwb_recorded(const char* name, byte* bytes, unsigned long long room) {
  const std::vector<byte>& found = (*recorded())[name];
  std::memcpy(bytes, found.data(), found.size() < room ? found.size() : room);
  return found.size();
}

#endif
