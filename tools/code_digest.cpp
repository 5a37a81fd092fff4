// Prints a digest of C++ sources without their comments and blanks, in 16 hexadecimal digits:
//   code_digest [--header HEADER] FILE…
// With --header it is written into a C++ header instead, which is left alone where it has it
// already. Results carry this digest of the code that measured them. A change of a comment, of
// blanks or of line breaks is no other code.
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

// FNV-1a with 64 bits: finds accidental changes, which is all that is asked.
class Digest {
 public:
  void add(std::string_view text) {
    for (const char c : text) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  [[nodiscard]] std::string text() const {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value_));
    return digits;
  }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// The end of a comment at `at`; `at` itself where there is none.
std::size_t end_of_comment(std::string_view code, std::size_t at) {
  const std::string_view two = code.substr(at, 2);
  if (two == "/*") {
    const std::size_t end = code.find("*/", at + 2);
    return end == std::string_view::npos ? code.size() : end + 2;
  }
  if (two != "//") return at;
  std::size_t end = at;
  do {
    end = code.find('\n', end + 1);  // a line that ends with a backslash goes on
  } while (end != std::string_view::npos && code[end - 1] == '\\');
  return end == std::string_view::npos ? code.size() : end;
}

// The end of a literal that begins with the quote at `at`, after `word`: its prefix, or the digits
// that the quote separates.
std::size_t end_of_literal(std::string_view code, std::size_t at, std::string_view word) {
  const char quote = code[at];
  const bool separates = quote == '\'' && !word.empty() && word[0] >= '0' && word[0] <= '9';
  if (separates) return at + 1;
  if (quote == '"' && word.ends_with('R') && word.size() <= 3) {
    const std::size_t open = code.find('(', at);
    if (open == std::string_view::npos) return code.size();
    const std::string close = ")" + std::string(code.substr(at + 1, open - at - 1)) + '"';
    const std::size_t end = code.find(close, open);
    return end == std::string_view::npos ? code.size() : end + close.size();
  }
  for (++at; at < code.size() && code[at] != quote; ++at) {
    if (code[at] == '\\') ++at;
  }
  return std::min(at + 1, code.size());
}

void add_code(std::string_view code, Digest& digest) {
  std::size_t word = 0;  // where the one begins that ends here
  for (std::size_t at = 0; at < code.size();) {
    std::size_t end = end_of_comment(code, at);
    const bool dropped = end > at || std::isspace(static_cast<unsigned char>(code[at])) != 0;
    end = std::max(end, at + 1);
    if (!dropped && (code[at] == '"' || code[at] == '\'')) {
      end = end_of_literal(code, at, code.substr(word, at - word));
    }
    if (!dropped) digest.add(code.substr(at, end - at));
    const bool goes_on = end == at + 1 && (is_word(code[at]) || code[at] == '\'');
    if (!goes_on) word = end;
    at = end;
  }
}

// Writes the header unless it is like that. False when it can't be written.
bool write_header(const std::string& path, const std::string& digest) {
  const std::string text = "#define ECHOMUX_CODE_DIGEST \"" + digest + "\"\n";
  std::ifstream old(path);
  if (std::string(std::istreambuf_iterator<char>(old), {}) == text) return true;
  return static_cast<bool>(std::ofstream(path) << text << std::flush);
}

}  // namespace

int main(int argc, char** argv) {
  const std::span all(argv, static_cast<std::size_t>(argc));
  std::vector<std::string> files(all.begin() + 1, all.end());
  std::string header;
  if (files.size() > 1 && files[0] == "--header") {
    header = files[1];
    files.erase(files.begin(), files.begin() + 2);
  }
  if (files.empty() || files[0].starts_with('-')) {
    std::cerr << "usage: code_digest [--header HEADER] FILE...\n";
    return 2;
  }
  Digest digest;
  for (const std::string& name : files) {
    std::ifstream file(name, std::ios::binary);
    const std::string code(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open() || file.bad()) {
      std::cerr << "code_digest: cannot read " << name << "\n";
      return 1;
    }
    add_code(code, digest);
  }
  if (header.empty()) {
    std::cout << digest.text() << "\n";
  } else if (!write_header(header, digest.text())) {
    std::cerr << "code_digest: cannot write " << header << "\n";
    return 1;
  }
  return 0;
}
