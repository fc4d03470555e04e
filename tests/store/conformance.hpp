// What any Store must do, whatever it is made of. A store's test program includes
// conformance_*.hpp, once, and instantiates the suite with a harness:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(make_memory_harness), ...);
//
// and likewise StoreModel, and StoreOutage where the store is a server that can go away.
//
// The tests use only the Store port and the harness, so that they can be run against a real server.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/api/object.hpp"
#include "core/base/rng.hpp"
#include "core/store/store.hpp"

namespace keelson::store::conformance {

class StoreHarness {
 public:
  virtual ~StoreHarness() = default;
  virtual Store& store() = 0;
  // Runs the store's loop until nothing is under way: all answers and events have been delivered.
  virtual void settle() = 0;
  // Makes the store lose what came after `keep`, as a failover would. False: it cannot be made to.
  virtual bool fail_over(Revision keep) = 0;
  // Takes the store away from its user, or gives it back with nothing lost. For StoreOutage only.
  virtual void set_reachable(bool reachable) = 0;
};
using MakeHarness = std::function<std::unique_ptr<StoreHarness>()>;
inline void PrintTo(const MakeHarness&, std::ostream* out) { *out << "harness"; }

inline ObjectPtr config(const std::string& ns, const std::string& name, const std::string& value,
                        const std::string& uid) {
  api::ConfigMap map;
  map.mutable_metadata()->set_namespace_(ns);
  map.mutable_metadata()->set_name(name);
  map.mutable_metadata()->set_uid(uid);
  (*map.mutable_data())["value"] = value;
  return api::make_object(std::move(map));
}
inline ObjectPtr lease(const std::string& name, const std::string& holder) {
  api::Lease made;
  made.mutable_metadata()->set_namespace_("kube-system");
  made.mutable_metadata()->set_name(name);
  made.mutable_metadata()->set_uid("uid-of-" + name);
  made.mutable_spec()->set_holder_identity(holder);
  return api::make_object(std::move(made));
}
inline std::string value_of(const ObjectPtr& object) {
  if (!object) return "(none)";
  return object->as<api::ConfigMap>().data().at("value");
}
inline ObjectKey key_of(const std::string& ns, const std::string& name) {
  return {api::Kind::config_maps, ns, name};
}

inline Write put(ObjectPtr object) {
  const ObjectKey key = object->key();
  return {Write::Op::put, key, std::move(object)};
}
inline Write put_new(ObjectPtr object) {
  Write write = put(std::move(object));
  write.absent = true;
  return write;
}
inline Write removal(ObjectKey key) {
  return {Write::Op::remove, std::move(key)};
}
inline Transaction transaction(std::vector<Write> writes) {
  return {std::move(writes)};
}

// Keeps what a watch delivered, and checks what must hold for every delivery.
class RecordingSink final : public WatchSink {
 public:
  void on_events(std::span<const StoreEvent> batch) override {
    EXPECT_FALSE(closed) << "events after the end of the watch";
    EXPECT_FALSE(batch.empty());
    for (const StoreEvent& event : batch) {
      if (!events.empty()) {
        EXPECT_EQ(event.revision.value, events.back().revision.value + 1);
      }
      events.push_back(event);
    }
  }
  void on_closed(Error why) override {
    EXPECT_FALSE(closed) << "closed twice";
    closed = why.code;
  }
  std::vector<StoreEvent> events;
  std::optional<Code> closed;
};

class StoreConformance : public testing::TestWithParam<MakeHarness> {
 protected:
  void SetUp() override { harness_ = GetParam()(); }
  Store& store() { return harness_->store(); }
  void settle() { harness_->settle(); }

  // Starts a call, sees that it does not answer from inside, and waits for its one answer.
  template <class T, class Start>
  Result<T> await(Start&& start) {
    std::optional<Result<T>> result;
    bool inside = true;
    start([&](Result<T> answer) {
      EXPECT_FALSE(inside) << "answered from inside the call";
      EXPECT_FALSE(result.has_value()) << "answered twice";
      result.emplace(std::move(answer));
    });
    inside = false;
    settle();
    if (!result) {
      ADD_FAILURE() << "not answered";
      return {Code::unknown, "not answered"};
    }
    return std::move(*result);
  }
  Result<Committed> commit(Transaction t) {
    return await<Committed>([&](auto done) { store().commit(std::move(t), std::move(done)); });
  }
  Result<Committed> commit(Write write) {
    std::vector<Write> writes;
    writes.push_back(std::move(write));
    return commit(transaction(std::move(writes)));
  }
  Result<ObjectPtr> get(const ObjectKey& key) {
    return await<ObjectPtr>([&](auto done) { store().get(key, std::move(done)); });
  }
  Result<ListPage> list(const ListQuery& query) {
    return await<ListPage>([&](auto done) { store().list(query, std::move(done)); });
  }
  Revision current() {
    return await<Revision>([&](auto done) { store().current_revision(std::move(done)); }).value();
  }
  void compact(Revision revision) {
    EXPECT_TRUE(await<Unit>([&](auto done) { store().compact(revision, std::move(done)); }).ok());
  }
  std::vector<std::string> names(const std::vector<ObjectPtr>& objects) {
    std::vector<std::string> out;
    for (const auto& object : objects) out.push_back(object->ns() + '/' + object->name());
    return out;
  }

  std::unique_ptr<StoreHarness> harness_;
};

class StoreOutage : public StoreConformance {};

}  // namespace keelson::store::conformance
