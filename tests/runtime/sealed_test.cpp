#include "runtime/pki/sealed.hpp"

#include <gtest/gtest.h>

namespace keelson::runtime {
namespace {

TEST(Sealed, OpensWithItsKeyAndUnderItsNameAlone) {
  const std::string key = make_sealing_key(), other = make_sealing_key();
  ASSERT_NE(key, other);
  for (const std::string& content : {std::string(), std::string("x"), std::string(5000, '\0')}) {
    const auto sealed = seal(content, "ca.key", key);
    ASSERT_TRUE(sealed.ok()) << sealed.error().message;
    EXPECT_EQ(sealed->size(), content.size() + 28);
    const auto opened = open_sealed(*sealed, "ca.key", key);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ(*opened, content);
    EXPECT_EQ(open_sealed(*sealed, "ca.key", other).code(), Code::denied);
    EXPECT_EQ(open_sealed(*sealed, "sa.key", key).code(), Code::denied);
  }
}

TEST(Sealed, EveryChangedByteIsNoticed) {
  const std::string key = make_sealing_key();
  const std::string sealed = *seal("secret", "n", key);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(open_sealed(changed, "n", key).code(), Code::denied) << i;
    EXPECT_EQ(open_sealed(sealed.substr(0, i), "n", key).code(), Code::denied) << i;
  }
}

TEST(Sealed, NoTwoAreAlike) {
  const std::string key = make_sealing_key();
  EXPECT_NE(*seal("secret", "n", key), *seal("secret", "n", key));
}

TEST(Sealed, RefusesWhatIsNoKey) {
  for (const std::string& key : {std::string(), std::string("ab"), std::string(64, 'g'),
                                 std::string(63, 'a'), std::string(66, 'a'), std::string(65, 'a')}) {
    EXPECT_EQ(seal("x", "n", key).code(), Code::invalid) << key;
    EXPECT_EQ(open_sealed(std::string(40, 'x'), "n", key).code(), Code::invalid) << key;
  }
}

}  // namespace
}  // namespace keelson::runtime
