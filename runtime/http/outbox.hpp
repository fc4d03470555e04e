// Bytes on their way out of a connection: an ordered queue of strings, owned or shared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/rest/http.hpp"

namespace keelson::http {

class Outbox {
 public:
  // `credit` is given back when all of this has been sent: what it counts towards a lane's unsent.
  void push(std::string bytes, std::size_t credit = 0) {
    if (!bytes.empty()) add({std::move(bytes), nullptr, credit});
  }
  void push(rest::Bytes bytes, std::size_t credit = 0) {
    if (!bytes->empty()) add({{}, std::move(bytes), credit});
  }

  bool empty() const { return first_ == pieces_.size(); }
  std::size_t bytes() const { return bytes_; }

  // The next pieces to send, at most as many as `to` has room for.
  std::size_t front(std::string_view* to, std::size_t room) const {
    std::size_t count = 0;
    for (std::size_t i = first_; i < pieces_.size() && count < room; ++i) {
      std::string_view view = pieces_[i].view();
      if (i == first_) view.remove_prefix(offset_);
      to[count++] = view;
    }
    return count;
  }

  // Removes sent bytes from the front; returns the credit of what is now complete.
  std::size_t pop(std::size_t sent) {
    std::size_t credit = 0;
    bytes_ -= sent;
    while (sent > 0) {
      const std::size_t left = pieces_[first_].view().size() - offset_;
      if (sent < left) {
        offset_ += sent;
        break;
      }
      sent -= left;
      credit += pieces_[first_].credit;
      pieces_[first_] = {};
      ++first_;
      offset_ = 0;
    }
    if (empty()) {
      clear();
    } else if (first_ > 64 && first_ > pieces_.size() / 2) {
      pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    return credit;
  }

  void clear() {
    pieces_.clear();
    if (pieces_.capacity() > 16) pieces_.shrink_to_fit();
    first_ = offset_ = bytes_ = 0;
  }

 private:
  struct Piece {
    std::string own;
    rest::Bytes shared;
    std::size_t credit = 0;
    std::string_view view() const { return shared ? *shared : own; }
  };
  void add(Piece piece) {
    bytes_ += piece.view().size();
    pieces_.push_back(std::move(piece));
  }

  std::vector<Piece> pieces_;
  std::size_t first_ = 0;   // of those not yet sent
  std::size_t offset_ = 0;  // sent of the first
  std::size_t bytes_ = 0;
};

}  // namespace keelson::http
