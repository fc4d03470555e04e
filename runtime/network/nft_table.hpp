// One nftables table of ours, as a set of parts that change independently of each other (a service, a
// pod). What is wanted is kept here; commit() sends the difference as one transaction. If the kernel
// refuses it, or somebody else has changed the table, the whole is written anew, also as one
// transaction, so that there is never a moment without rules.
//
// Chains belong to one part each. Elements of sets and maps may be wanted by several parts: the first
// one's value counts until it gives the element up.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/log.hpp"
#include "runtime/network/nft.hpp"
#include "runtime/network/nft_watch.hpp"

namespace keelson::network {

struct NftPart {
  std::map<std::string, std::vector<std::string>> chains;  // name → rules, in nft's language
  std::map<std::string, std::string> sets;                 // name → declaration: "type ...; flags ...;"
  // Set or map of the skeleton → key → value (a verdict, say); empty in sets.
  std::map<std::string, std::map<std::string, std::string>> elements;
  friend bool operator==(const NftPart&, const NftPart&) = default;
};

// "NAMESPACE/NAME" for use within names of chains and sets, which the kernel limits to 255 bytes while
// names of objects have up to 253 themselves: long ones are cut and told apart by a hash.
// Names that no object can have are replaced by it, so that nothing strange gets into a script.
std::string nft_name(const std::string& ns, const std::string& name);

class NftTable {
 public:
  // The table is `inet <name>`. `skeleton`: what stands in it always: its sets and maps, its base
  // chains, in nft's language.
  NftTable(runtime::AsioLoop& loop, Log& log, std::string name, std::string skeleton);
  NftTable(const NftTable&) = delete;
  NftTable& operator=(const NftTable&) = delete;

  // Begins to watch for changes by others. An error leaves the table usable, but unwatched.
  Status start();
  void put(const std::string& owner, NftPart part);
  void remove(const std::string& owner) { put(owner, {}); }
  // Sends what has changed. The first one writes the whole table, in place of what an earlier process
  // has left. After an error the next commit, which comes by itself in a while, writes it all.
  Status commit();
  // A commit would do something.
  bool changed() const;
  // Asks for a commit on a later turn, once for many calls.
  void commit_soon();
  // Called after a commit that went well.
  void on_committed(std::function<void()> handler) { on_committed_ = std::move(handler); }
  // Takes the table out of the kernel. For reset; the next commit would write it again.
  Status erase();

  const std::string& name() const { return name_; }
  uint64_t rebuilds() const { return rebuilds_; }
  uint64_t commits() const { return commits_; }

 private:
  struct Element {
    std::vector<std::pair<std::string, std::string>> claims;  // owner, value; the first counts
    bool applied = false;
    std::string applied_value;
  };
  using Key = std::pair<std::string, std::string>;  // set or map, key

  void claim(const Key& key, const std::string& owner, const std::string& value);
  void unclaim(const Key& key, const std::string& owner);
  std::string difference();
  std::string whole() const;
  Status apply_difference();
  Status rebuild();
  // What is no longer referred to goes in a transaction of its own: kernels before 6.2 refuse to
  // delete a chain together with the last element that leads to it.
  void sweep();
  void applied();
  void on_foreign_change();

  runtime::AsioLoop& loop_;
  Log& log_;
  std::string name_, skeleton_;
  Nft nft_;
  NftWatch watch_;
  std::map<std::string, NftPart> parts_;
  std::map<std::string, const std::vector<std::string>*> chains_;  // all parts'
  std::map<std::string, std::string> sets_;
  std::map<Key, Element> elements_;
  std::set<std::string> changed_chains_, gone_chains_, new_sets_, gone_sets_;
  std::set<Key> changed_elements_;
  bool whole_needed_ = true;
  Instant last_rebuild_{};
  Duration retry_pause_;  // after a refusal; grows with each
  uint64_t rebuilds_ = 0, commits_ = 0;
  std::function<void()> on_committed_;
  Timer commit_timer_;
};

}  // namespace keelson::network
