// Test bench for HLS tools: the frames of vectors.hpp through the top function, a frame a call, or as
// many as HW_BNN_FRAMES says. Returns 1 where a word differs from what the golden model expects, or where
// HW_BNN_FRAMES are more than there are.
#include <cstdio>

#include "top.hpp"
#include "vectors.hpp"

template <int W> ap_uint<W> word_of(const unsigned long long* limbs) {
  ap_uint<W> word = 0;
  for (int at = 0; at < W; at += 64) word.range(W - at < 64 ? W - 1 : at + 63, at) = limbs[at / 64];
  return word;
}

int main() {
  int wrong = 0, frame = 0;
  for (; frame + HW_BNN_FRAMES <= FRAMES; frame += HW_BNN_FRAMES) {
    hls::stream<in_word> s_axis("s_axis");
    hls::stream<out_word> m_axis("m_axis");
    for (int i = 0; i < HW_BNN_FRAMES * IN_WORDS; i++)
      s_axis.write(word_of<in_word::width>(frames_in[frame * IN_WORDS + i]));
    bnn_accelerator_hls(s_axis, m_axis);
    for (int i = 0; i < HW_BNN_FRAMES * OUT_WORDS; i++) {
      const out_word found = m_axis.read();
      const out_word expected = word_of<out_word::width>(frames_out[frame * OUT_WORDS + i]);
      if (found != expected) {
        std::printf("frame %d, word %d differs\n", frame + i / OUT_WORDS, i % OUT_WORDS);
        wrong++;
      }
    }
  }
  std::printf("%d words differ in %d frames\n", wrong, frame);
  return wrong != 0 || frame == 0;
}
