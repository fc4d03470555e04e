// Reads: freshness, snapshots, pages, selectors.
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ListTest : public ApiServerTest {
 protected:
  static std::vector<std::string> names(const Response& response) {
    std::vector<std::string> out;
    for (const auto& object : response.items) out.push_back(object->ns() + "/" + object->name());
    return out;
  }
  Request config_maps(int64_t limit = 0) {
    Request request = api::list(Kind::config_maps);
    request.limit = limit;
    return request;
  }
};

TEST_F(ListTest, SortedByNamespaceAndName) {
  made(config_named("b", "v", "kube-system"));
  made(config_named("b"));
  made(config_named("a", "v", "kube-system"));
  made(config_named("a"));
  EXPECT_THAT(names(call(config_maps())),
              ElementsAre("default/a", "default/b", "kube-system/a", "kube-system/b"));
  EXPECT_THAT(names(call(api::list(Kind::config_maps, "kube-system"))),
              ElementsAre("kube-system/a", "kube-system/b"));
}

TEST_F(ListTest, Selectors) {
  running("a", "n1");
  running("b", "n2");
  made(pod_named("c"));
  Request request = api::list(Kind::pods, "default");
  request.field_selector = "spec.nodeName=n1,status.phase!=Failed";
  EXPECT_THAT(names(call(request)), ElementsAre("default/a"));
  request.ns = "";
  EXPECT_THAT(names(call(request)), ElementsAre("default/a"));
  request.field_selector = "spec.nodeName=";
  EXPECT_THAT(names(call(request)), ElementsAre("default/c"));
  request.field_selector = "metadata.name=b";
  EXPECT_THAT(names(call(request)), ElementsAre("default/b"));
  request.field_selector = "spec.foo=1";
  EXPECT_EQ(call(request).error.message, "field label not supported: spec.foo");
  request.field_selector = "";
  request.label_selector = "app notin (web)";
  EXPECT_TRUE(call(request).items.empty());
  request.label_selector = "a in (";
  EXPECT_EQ(call(request).error.reason, Reason::bad_request);
  EXPECT_THAT(call(request).error.message, HasSubstr("unable to parse requirement"));
}

TEST_F(ListTest, NodeIndexFollowsPods) {
  const auto pod = running("a", "n1");
  Request request = api::list(Kind::pods);
  request.field_selector = "spec.nodeName=n1";
  EXPECT_EQ(call(request).items.size(), 1u);
  Request removal = api::remove(pod.object());
  removal.grace_period_seconds = 0;
  ASSERT_TRUE(call(removal).ok());
  EXPECT_TRUE(call(request).items.empty());
}

TEST_F(ListTest, PagesAreOneSnapshot) {
  for (const char* name : {"a", "b", "c", "d", "e"}) made(config_named(name, "old"));
  Response page = call(config_maps(2));
  EXPECT_THAT(names(page), ElementsAre("default/a", "default/b"));
  EXPECT_EQ(page.remaining, 3);
  const Revision snapshot = page.revision;
  // The world moves on: one goes, one comes, one changes.
  call(removal(Kind::config_maps, "c"));
  made(config_named("cc"));
  put(config_named("d", "new"));
  Request next = config_maps(2);
  next.continue_token = page.continue_token;
  page = call(next);
  EXPECT_THAT(names(page), ElementsAre("default/c", "default/d"));
  EXPECT_EQ(page.items[1]->as<api::ConfigMap>().data().at("k"), "old");
  EXPECT_EQ(page.revision, snapshot);
  EXPECT_EQ(page.remaining, 1);
  next.continue_token = page.continue_token;
  page = call(next);
  EXPECT_THAT(names(page), ElementsAre("default/e"));
  EXPECT_EQ(page.continue_token, "");
  EXPECT_FALSE(page.remaining);
}

TEST_F(ListTest, RemainingIsOmittedWithSelectors) {
  for (const char* name : {"a", "b", "c"}) made(pod_named(name));
  Request request = api::list(Kind::pods);
  request.limit = 1;
  request.label_selector = "app=web";
  const Response page = call(request);
  EXPECT_NE(page.continue_token, "");
  EXPECT_FALSE(page.remaining);
}

TEST_F(ListTest, BadContinueToken) {
  Request request = config_maps(1);
  request.continue_token = "abc";
  EXPECT_EQ(call(request).error.message,
            "invalid continue token: continue key is not valid: invalid character 'i' looking for "
            "beginning of value");
  request.continue_token = "!!";
  EXPECT_THAT(call(request).error.message, HasSubstr("illegal base64 data at input byte 0"));
}

TEST_F(ListTest, ExpiredContinueTokenOffersAnInconsistentOne) {
  for (const char* name : {"a", "b", "c"}) made(config_named(name));
  const Response first = call(config_maps(1));
  made(config_named("aa"));
  loop.run_for(7min);  // compacted
  made(config_named("bb"));
  loop.run_for(7min);
  Request next = config_maps(1);
  next.continue_token = first.continue_token;
  const Response expired = call(next);
  EXPECT_EQ(expired.error.reason, Reason::expired);
  EXPECT_THAT(expired.error.message,
              HasSubstr("The provided continue parameter is too old to display a consistent list"));
  next.continue_token = expired.continue_token;
  EXPECT_THAT(names(call(next)), ElementsAre("default/aa"));
}

TEST_F(ListTest, ExactRevision) {
  made(config_named("a"));
  const Revision then = now();
  made(config_named("b"));
  Request request = config_maps();
  request.resource_version = then;
  request.exact_revision = true;
  EXPECT_THAT(names(call(request)), ElementsAre("default/a"));
  request.exact_revision = false;
  EXPECT_THAT(names(call(request)), ElementsAre("default/a", "default/b"));
  loop.run_for(7min);
  made(config_named("c"));
  loop.run_for(7min);
  request.exact_revision = true;
  EXPECT_EQ(call(request).error.message, "The resourceVersion for the provided list is too old.");
}

TEST_F(ListTest, OptionsThatContradictEachOtherAreRefused) {
  for (const char* name : {"a", "b"}) made(config_named(name));
  const std::string token = call(config_maps(1)).continue_token;
  const auto refusal = [&](std::optional<Revision> revision, bool exact, const std::string& next) {
    Request request = config_maps(1);
    request.resource_version = revision;
    request.exact_revision = exact;
    request.continue_token = next;
    return call(request).error;
  };
  const std::string invalid =
      "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: ";
  EXPECT_EQ(refusal({}, true, "").message,
            invalid + "resourceVersionMatch is forbidden unless resourceVersion is provided");
  EXPECT_EQ(refusal(Revision{}, true, "").message,
            invalid + "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  const api::ApiError both = refusal(now(), true, token);
  EXPECT_EQ(both.message, invalid + "resourceVersionMatch is forbidden when continue is provided");
  EXPECT_EQ(both.reason, Reason::invalid);
  EXPECT_EQ(both.kind, "ListOptions");
  EXPECT_EQ(refusal(now(), false, token).message,
            "specifying resource version is not allowed when using continue");
  EXPECT_TRUE(refusal(Revision{}, false, token).ok());
}

TEST_F(ListTest, FutureRevisionIsWaitedForThen504) {
  Request request = config_maps();
  request.resource_version = Revision{0, now().value + 1};
  std::optional<Response> answer;
  server->handle(std::move(request), [&](Response response) { answer = std::move(response); });
  loop.run_for(1s);
  EXPECT_FALSE(answer);
  made(config_named("a"));
  ASSERT_TRUE(answer);
  EXPECT_THAT(names(*answer), ElementsAre("default/a"));

  request.resource_version = Revision{0, 999'999'999};
  const Revision current = now();
  const Response late = call(request);
  EXPECT_EQ(late.error.reason, Reason::timeout);
  EXPECT_EQ(late.error.message,
            "Timeout: Too large resource version: 999999999, current: " + api::to_string(current));
  ASSERT_EQ(late.error.causes.size(), 1u);
  EXPECT_EQ(late.error.causes[0].reason, "ResourceVersionTooLarge");
  EXPECT_EQ(late.error.retry_after_seconds, 1);
}

TEST_F(ListTest, MostRecentWaitsForALaggingMemory) {
  store.hold_events = true;
  std::optional<Response> created, listed, any;
  server->handle(api::create(api::make_object(config_named("a"))),
                 [&](Response response) { created = std::move(response); });
  loop.settle();
  ASSERT_TRUE(created && created->ok());
  Request zero = config_maps();
  zero.resource_version = Revision{};
  server->handle(std::move(zero), [&](Response response) { any = std::move(response); });
  server->handle(config_maps(), [&](Response response) { listed = std::move(response); });
  loop.settle();
  ASSERT_TRUE(any);
  EXPECT_TRUE(any->items.empty());  // whatever memory has
  EXPECT_FALSE(listed);             // linearizable: waits for what was committed before
  store.release();
  loop.settle();
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->items.size(), 1u);
}

TEST_F(ListTest, ConcurrentReadsShareBarriers) {
  const int before = store.barriers;
  int answers = 0;
  for (int i = 0; i < 100; ++i) server->handle(config_maps(), [&](Response) { ++answers; });
  loop.settle();
  EXPECT_EQ(answers, 100);
  EXPECT_LE(store.barriers - before, 2);
}

TEST_F(ListTest, GetOfMissing) {
  EXPECT_EQ(call(api::get(Kind::pods, "default", "nope")).error.message, "pods \"nope\" not found");
  EXPECT_EQ(call(api::get(Kind::pods, "", "x")).error.reason, Reason::bad_request);
  EXPECT_EQ(call(api::get(Kind::pods, "default", "")).error.reason, Reason::bad_request);
}

}  // namespace
}  // namespace keelson::test
