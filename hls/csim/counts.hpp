// What C simulation counts, a thread each: steps of the kernels' loops, and frames of a call.
#pragma once

// Stands for a loop's step: one a clock cycle, at the initiation interval 1.
#define HW_BNN_STEP hw_bnn::csim::steps()++
// Stands before a dataflow region's calls; driver.cpp makes HW_BNN_FRAMES of the variable.
#define HW_BNN_COUNT_FRAMES                                            \
  const unsigned frames_of_this_call = hw_bnn::csim::frames_of_a_call(); \
  (void)frames_of_this_call

namespace hw_bnn {
namespace csim {

inline unsigned long long& steps() {
  static thread_local unsigned long long count = 0;
  return count;
}

inline unsigned& frames_of_a_call() {
  static thread_local unsigned count = 1;
  return count;
}

}  // namespace csim
}  // namespace hw_bnn
