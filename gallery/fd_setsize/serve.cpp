// Compiled apart, as distributions build their packages: FD_SET beyond FD_SETSIZE ends the program,
// where otherwise it writes over what lies behind the set.
#include "gallery/support/serve.hpp"

#include "gallery/fd_setsize/mended.hpp"

namespace echomux {

template Serve serve_with<fd_setsize::Broken>;
template Serve serve_with<fd_setsize::Mended>;

}  // namespace echomux
