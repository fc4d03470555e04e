// A table of limited size that many fill and nobody may fill alone: who already has a share gets no
// more, and when the table is full, the oldest item of who has most makes place for the new one.
//
//   FairTable<asio::ip::address, int> table({.size = 1024, .share = 256});
//   if (!table.may_add(who)) ...                                   // has its share
//   while (table.full()) end(table.greediest());                   // end() removes it
//   const auto place = table.add(who, item);
//
// Of one thread. Places stay valid until remove().
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <utility>

namespace keelson::network {

struct FairLimits {
  std::size_t size = 0, share = 0;
};

template <class Owner, class Item>
class FairTable {
  struct Entry {
    uint64_t number;  // in the order of arrival
    Item item;
  };
  using Entries = std::list<Entry>;
  using Owners = std::map<Owner, Entries>;

 public:
  class Place {
    friend class FairTable;
    typename Owners::iterator owner;
    typename Entries::iterator entry;
  };

  explicit FairTable(FairLimits limits) : limits_(limits) {}

  std::size_t size() const { return size_; }
  bool full() const { return size_ >= limits_.size; }
  bool may_add(const Owner& owner) const {
    const auto found = owners_.find(owner);
    return found == owners_.end() || found->second.size() < limits_.share;
  }
  Place add(const Owner& owner, Item item) {
    Place place;
    place.owner = owners_.try_emplace(owner).first;
    Entries& entries = place.owner->second;
    place.entry = entries.insert(entries.end(), Entry{++added_, std::move(item)});
    ++size_;
    return place;
  }
  void remove(const Place& place) {
    place.owner->second.erase(place.entry);
    if (place.owner->second.empty()) owners_.erase(place.owner);
    --size_;
  }

  // The owner must have one.
  Item oldest_of(const Owner& owner) const { return owners_.at(owner).front().item; }
  // The oldest of who has most; of several such owners, of the one whose oldest came first. The table must
  // not be empty. Looks at each owner: only a full table asks.
  Item greediest() const {
    const Entries* most = nullptr;
    for (const auto& [owner, entries] : owners_) {
      const bool more = !most || entries.size() > most->size() ||
                        (entries.size() == most->size() &&
                         entries.front().number < most->front().number);
      if (more) most = &entries;
    }
    return most->front().item;
  }
  template <class F>
  void each(F f) const {
    for (const auto& [owner, entries] : owners_) {
      for (const Entry& entry : entries) f(entry.item);
    }
  }

 private:
  FairLimits limits_;
  Owners owners_;
  std::size_t size_ = 0;
  uint64_t added_ = 0;
};

}  // namespace keelson::network
