// Properties of defaults and validation over objects of every kind that nobody would write.
#include <gtest/gtest.h>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/api/validation.hpp"
#include "tests/api/random_message.hpp"

namespace keelson::api {
namespace {

std::unique_ptr<Message> random_object(RandomMessages& random, Kind kind) {
  std::unique_ptr<Message> message = new_message(kind);
  random.fill(*message);
  return message;
}

std::unique_ptr<Message> copy(const Message& message) {
  std::unique_ptr<Message> out(message.New());
  out->CopyFrom(message);
  return out;
}

TEST(RandomObjects, DefaultsAreFinal) {
  for (const KindInfo& kind : all_kinds()) {
    RandomMessages random(100 + static_cast<uint64_t>(kind.kind));
    for (int i = 0; i < 100; ++i) {
      const auto message = random_object(random, kind.kind);
      apply_defaults(kind.kind, *message);
      const std::string once = encode_message(*message);
      apply_defaults(kind.kind, *message);
      ASSERT_EQ(encode_message(*message), once);
    }
  }
}

// A default that only appears once the object has been written and read again would make the first
// update of an untouched object a change.
TEST(RandomObjects, DefaultsSurviveTheCodec) {
  for (const KindInfo& kind : all_kinds()) {
    RandomMessages random(200 + static_cast<uint64_t>(kind.kind));
    for (int i = 0; i < 100; ++i) {
      const auto message = random_object(random, kind.kind);
      apply_defaults(kind.kind, *message);
      const std::string once = encode_message(*message);
      const auto again = new_message(kind.kind);
      ASSERT_TRUE(decode_message(once, *again).ok()) << once;
      apply_defaults(kind.kind, *again);
      ASSERT_EQ(encode_message(*again), once);
    }
  }
}

TEST(RandomObjects, AreJudgedWhateverTheyHold) {
  for (const KindInfo& kind : all_kinds()) {
    RandomMessages random(300 + static_cast<uint64_t>(kind.kind));
    std::unique_ptr<Message> before = new_message(kind.kind);
    for (int i = 0; i < 100; ++i) {
      const auto now = random_object(random, kind.kind);
      if (i % 2 == 0) apply_defaults(kind.kind, *now);
      for (const ApiError& error :
           {validate_create(kind.kind, *now), validate_update(kind.kind, *now, *before),
            validate_status_update(kind.kind, *now, *before)}) {
        ASSERT_EQ(error.ok(), error.causes.empty());
        if (!error.ok()) {
          ASSERT_EQ(error.reason, Reason::invalid);
        }
        for (const Cause& cause : error.causes) ASSERT_FALSE(cause.message.empty());
      }
      // The same content in another message, whose hash maps are in another order: the same words.
      ASSERT_EQ(validate_create(kind.kind, *now).message,
                validate_create(kind.kind, *copy(*now)).message);
      before = copy(*now);
    }
  }
}

}  // namespace
}  // namespace keelson::api
