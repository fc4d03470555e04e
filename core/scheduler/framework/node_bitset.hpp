// A set of nodes by their index in the snapshot's table. It knows the range of words that may hold
// members, so that a set of one node, or of one block of nodes, costs nothing for the others.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/assert.hpp"

namespace keelson::scheduler {

using NodeIndex = uint32_t;
inline constexpr NodeIndex kNoNode = UINT32_MAX;

class NodeBitset {
 public:
  NodeBitset() = default;
  explicit NodeBitset(std::size_t slots) { resize(slots); }

  std::size_t slots() const { return slots_; }
  // Members beyond the new size are lost.
  void resize(std::size_t slots) {
    slots_ = slots;
    words_.resize((slots + 63) / 64, 0);
    if (slots % 64 != 0) words_.back() &= (uint64_t{1} << (slots % 64)) - 1;
    high_ = std::min(high_, words_.size());
    low_ = std::min(low_, high_);
  }
  void clear() {
    std::fill(words_.begin() + static_cast<std::ptrdiff_t>(low_),
              words_.begin() + static_cast<std::ptrdiff_t>(high_), 0);
    low_ = high_ = 0;
  }
  void set(NodeIndex node) {
    KEELSON_ASSERT(node < slots_);
    touch(node / 64, node / 64 + 1);
    words_[node / 64] |= uint64_t{1} << (node % 64);
  }
  void reset(NodeIndex node) {
    KEELSON_ASSERT(node < slots_);
    words_[node / 64] &= ~(uint64_t{1} << (node % 64));
  }
  void assign(NodeIndex node, bool member) { member ? set(node) : reset(node); }
  bool test(NodeIndex node) const {
    return node < slots_ && (words_[node / 64] >> (node % 64) & 1) != 0;
  }
  // Adds [begin, end).
  void set_range(NodeIndex begin, NodeIndex end) {
    KEELSON_ASSERT(begin <= end && end <= slots_);
    if (begin == end) return;
    const std::size_t first = begin / 64, last = (end - 1) / 64;
    touch(first, last + 1);
    const uint64_t head = ~uint64_t{0} << (begin % 64);
    const uint64_t tail = ~uint64_t{0} >> (63 - (end - 1) % 64);
    if (first == last) {
      words_[first] |= head & tail;
      return;
    }
    words_[first] |= head;
    for (std::size_t w = first + 1; w < last; ++w) words_[w] = ~uint64_t{0};
    words_[last] |= tail;
  }

  std::size_t count() const {
    std::size_t n = 0;
    for (std::size_t w = low_; w < high_; ++w) n += std::popcount(words_[w]);
    return n;
  }
  // Of the members in [begin, end).
  std::size_t count(NodeIndex begin, NodeIndex end) const {
    KEELSON_ASSERT(begin <= end && end <= slots_);
    if (begin == end) return 0;
    const std::size_t first = begin / 64, last = (end - 1) / 64;
    const uint64_t head = ~uint64_t{0} << (begin % 64);
    const uint64_t tail = ~uint64_t{0} >> (63 - (end - 1) % 64);
    if (first == last) return static_cast<std::size_t>(std::popcount(words_[first] & head & tail));
    std::size_t n = static_cast<std::size_t>(std::popcount(words_[first] & head)) +
                    static_cast<std::size_t>(std::popcount(words_[last] & tail));
    for (std::size_t w = first + 1; w < last; ++w) {
      n += static_cast<std::size_t>(std::popcount(words_[w]));
    }
    return n;
  }
  bool none() const {
    for (std::size_t w = low_; w < high_; ++w) {
      if (words_[w] != 0) return false;
    }
    return true;
  }
  // REQUIRES for the three: the same number of slots.
  void intersect(const NodeBitset& other) {
    for (std::size_t w = low_; w < high_; ++w) words_[w] &= other.words_[w];
  }
  void subtract(const NodeBitset& other) {
    const std::size_t end = std::min(high_, other.high_);
    for (std::size_t w = std::max(low_, other.low_); w < end; ++w) words_[w] &= ~other.words_[w];
  }
  void unite(const NodeBitset& other) {
    if (other.low_ == other.high_) return;
    touch(other.low_, other.high_);
    for (std::size_t w = other.low_; w < other.high_; ++w) words_[w] |= other.words_[w];
  }
  bool intersects(const NodeBitset& other) const {
    const std::size_t end = std::min(high_, other.high_);
    for (std::size_t w = std::max(low_, other.low_); w < end; ++w) {
      if ((words_[w] & other.words_[w]) != 0) return true;
    }
    return false;
  }

  // In rising order. The body may reset the node that it is called for.
  template <class F>
  void for_each(F&& body) const {
    for (std::size_t w = low_; w < high_; ++w) {
      for (uint64_t bits = words_[w]; bits != 0; bits &= bits - 1) {
        body(static_cast<NodeIndex>(w * 64 + static_cast<std::size_t>(std::countr_zero(bits))));
      }
    }
  }
  // Keeps only the members for which `keep` says true; of those also in `among`, if given: members
  // outside `among` stay unasked.
  template <class F>
  void keep_if(F&& keep, const NodeBitset* among = nullptr) {
    for (std::size_t w = low_; w < high_; ++w) {
      uint64_t bits = words_[w];
      if (among != nullptr) bits &= among->words_[w];
      for (; bits != 0; bits &= bits - 1) {
        const uint64_t bit = bits & (~bits + 1);
        const auto node =
            static_cast<NodeIndex>(w * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
        if (!keep(node)) words_[w] &= ~bit;
      }
    }
  }
  // Word access for plugins that decide 64 nodes at once.
  std::size_t first_word() const { return low_; }
  std::size_t last_word() const { return high_; }
  uint64_t word(std::size_t w) const { return words_[w]; }
  void set_word(std::size_t w, uint64_t bits) { words_[w] = bits; }

  friend bool operator==(const NodeBitset& a, const NodeBitset& b) {
    return a.slots_ == b.slots_ && a.words_ == b.words_;
  }

 private:
  void touch(std::size_t low, std::size_t high) {
    if (low_ == high_) {
      low_ = low;
      high_ = high;
    } else {
      low_ = std::min(low_, low);
      high_ = std::max(high_, high);
    }
  }
  std::vector<uint64_t> words_;
  std::size_t slots_ = 0;
  std::size_t low_ = 0, high_ = 0;  // words outside [low_, high_) are zero
};

}  // namespace keelson::scheduler
