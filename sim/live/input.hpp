// What enters a live session from outside, and when: the lines of a recording. A session is its
// setup (setup.hpp) and its inputs; everything else follows from them.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/rest/http.hpp"

namespace keelson::sim {

struct Input {
  enum class Kind : uint8_t {
    request,       // exchange, request
    gone,          // exchange: its client has gone away
    blocked,       // exchange: the client reads too slowly; then
    drained,       //   it has caught up
    opened,        // exchange: the upgraded connection is there,
    data,          //   text: has brought this,
    writable,      //   takes more,
    pipe_blocked,  //   or does not,
    closed,        //   and has ended
    fault,         // text: one fault as parse_fault() takes it
    heal,          // exchange: the number of the fault
    signing,       // text: what the signer of certificates has answered
    end,           // the session ended here
  };
  Kind kind = Kind::end;
  uint64_t exchange = 0;
  rest::HttpRequest request;
  std::string text;
};

// An input with its place in the run: after so many events, at this virtual instant, before which
// all that had happened had this digest.
struct Entry {
  Instant at;
  uint64_t events = 0;
  uint64_t digest = 0;
  Input input;
};

// One line of JSON, with its end of line. Connections' secrets (bearer tokens) are not in requests
// any more when they get here, but what clients send and store is.
std::string to_line(const Entry& entry);
// Error: Code::invalid.
Result<Entry> parse_entry(const std::string& line);

}  // namespace keelson::sim
