#pragma once

#include <sys/resource.h>
#include <sys/types.h>

namespace echomux {

// A guardian is the process between this program and one that anybody may have written. All that
// the program starts stays below it. That holds for what leaves its session or outlives its parent,
// too (PR_SET_CHILD_SUBREAPER, prctl(2)). So all of it can be measured, asked to stop and killed.
// The guardian lives until nothing of the program is left.

// What a guardian writes down when the program has ended; before that, once, the program's pid_t.
struct GuardedEnd {
  int status = 0;  // as wait(2) has it
  rusage used{};   // by the program and all whom it waited for
};

// A byte of this in the pipe of orders asks the guardian's children to stop (SIGTERM): the program,
// and those that have lost their parents. Who loses its parent later is asked then. The pipe's end
// says that all is to be killed now. It comes also when the writer of the pipe was killed.
inline constexpr char order_to_stop = 'T';

// What a guardian exits with when something is left that it may not kill, as of another user.
inline constexpr int guardian_left_some = 1;

// The work of a guardian that has started the program. All signals must be blocked. It makes only
// calls that are allowed after the fork of a program with threads (signal-safety(7)).
[[noreturn]] void guard(pid_t program, int orders, int news) noexcept;

}  // namespace echomux
