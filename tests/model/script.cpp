#include "tests/model/script.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <stdexcept>

#include "harness/machine/proc_file.hpp"

namespace echomux::model {
namespace {

constexpr std::array forms{
    ActionForm{Action::connect, "connect", true, false},
    ActionForm{Action::send, "send", true, true},
    ActionForm{Action::urgent, "urgent", true, false},
    ActionForm{Action::stall, "stall", true, true},
    ActionForm{Action::exchange, "exchange", true, true},
    ActionForm{Action::read, "read", true, true},
    ActionForm{Action::drain, "drain", true, false},
    ActionForm{Action::half_close, "half_close", true, false},
    ActionForm{Action::expect_end, "expect_end", true, false},
    ActionForm{Action::close, "close", true, false},
    ActionForm{Action::reset, "reset", true, false},
    ActionForm{Action::freeze, "freeze", false, false},
    ActionForm{Action::thaw, "thaw", false, false},
};

std::size_t parse_number(std::string_view word, std::size_t most) {
  std::size_t value = 0;
  const char* const end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data(), end, value);
  if (error != std::errc{} || rest != end || value > most) {
    throw std::runtime_error(fmt::format("'{}' is not a whole number up to {}", word, most));
  }
  return value;
}

Step parse_step(const std::vector<std::string_view>& words) {
  const auto* const form = std::ranges::find(forms, words.front(), &ActionForm::name);
  if (form == forms.end()) {
    throw std::runtime_error(fmt::format("there is no step '{}'", words.front()));
  }
  const std::size_t numbers = words.size() - 1;
  const bool with_buffers = form->action == Action::connect && numbers == 3;
  if (numbers != (form->has_peer ? 1U : 0U) + (form->has_bytes ? 1U : 0U) && !with_buffers) {
    throw std::runtime_error(
        fmt::format("'{}' takes {}{}{}", form->name, form->has_peer ? "PEER" : "nothing",
                    form->has_bytes ? " BYTES" : "",
                    form->action == Action::connect ? " [SEND_BUFFER RECEIVE_BUFFER]" : ""));
  }
  Step step{.action = form->action};
  if (form->has_peer) step.peer = parse_number(words[1], most_peers);
  if (form->has_bytes) step.bytes = parse_number(words[2], most_bytes);
  if (with_buffers) {
    step.send_buffer = static_cast<int>(parse_number(words[2], most_bytes));
    step.receive_buffer = static_cast<int>(parse_number(words[3], most_bytes));
  }
  return step;
}

}  // namespace

const ActionForm& form_of(Action action) noexcept {
  return forms[static_cast<std::size_t>(action)];
}

std::string to_text(const Step& step) {
  const ActionForm& form = form_of(step.action);
  std::string text(form.name);
  if (form.has_peer) text += fmt::format(" {}", step.peer);
  if (form.has_bytes) text += fmt::format(" {}", step.bytes);
  if (step.send_buffer != 0 || step.receive_buffer != 0) {
    text += fmt::format(" {} {}", step.send_buffer, step.receive_buffer);
  }
  return text;
}

std::string to_text(const Script& script) {
  std::string text;
  for (const Step& step : script) text += to_text(step) + "\n";
  return text;
}

Script parse_script(std::string_view text) {
  Script script;
  std::istringstream lines{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const auto words = proc::words(line);
    if (words.empty() || words.front().starts_with('#')) continue;
    try {
      script.push_back(parse_step(words));
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(fmt::format("line {}: {}", number, error.what()));
    }
  }
  return script;
}

}  // namespace echomux::model
