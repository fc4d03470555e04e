// Runs a recorded live session again, as fast as it goes.
#pragma once

#include <string>

namespace keelson::cli {

// `file` names it in messages, `text` is its content. Returns the exit code of `sim replay`.
int replay_live(const std::string& file, const std::string& text, bool check);

}  // namespace keelson::cli
