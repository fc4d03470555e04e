#include "core/api/patch.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "core/api/json.hpp"
#include "core/api/patch_kinds.hpp"

namespace keelson::api {
namespace {

ObjectPtr object(std::string_view json) {
  auto decoded = decode_object(json, {DecodeOptions::Unknown::strict});
  EXPECT_TRUE(decoded.ok()) << (decoded ? "" : decoded.error().message);
  return decoded->object;
}

ObjectPtr pod(std::string_view members) {
  return object(R"({"kind":"Pod","apiVersion":"v1",)" + std::string(members) + "}");
}

// The patched object, or the error's message.
std::string patched(const ObjectPtr& before, PatchType type, std::string_view patch) {
  const Patched result = apply_patch(*before, type, patch);
  return result.error.ok() ? encode_message(*result.message) : result.error.message;
}

// The same, as the spec of a pod without its other members.
std::string patched_spec(std::string_view spec, std::string_view patch) {
  const Patched result = apply_patch(*pod("\"spec\":" + std::string(spec)), PatchType::strategic,
                                     R"({"spec":)" + std::string(patch) + "}");
  if (!result.error.ok()) return result.error.message;
  return encode_message(static_cast<const Pod&>(*result.message).spec());
}

std::string container(std::string_view name, std::string_view image) {
  return R"({"name":")" + std::string(name) + R"(","image":")" + std::string(image) +
         R"(","resources":{}})";
}

// --- RFC 6902 --------------------------------------------------------------------------------------

struct JsonPatchCase {
  const char* document;
  const char* patch;
  const char* expected;  // null: refused
};

// Appendix A of the RFC, and corners of it.
TEST(JsonPatch, Rfc6902) {
  const JsonPatchCase cases[] = {
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
       R"({"foo":"bar","baz":"qux"})"},
      {R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
       R"({"foo":["bar","qux","baz"]})"},
      {R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
      {R"({"foo":["a","b","c"]})", R"([{"op":"remove","path":"/foo/1"}])", R"({"foo":["a","c"]})"},
      {R"({"baz":"qux"})", R"([{"op":"replace","path":"/baz","value":"boo"}])",
       R"({"baz":"boo"})"},
      {R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{}})",
       R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
       R"({"foo":{"bar":"baz"},"qux":{"thud":"fred"}})"},
      {R"({"foo":["all","grass","cows","eat"]})",
       R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
       R"({"foo":["all","cows","eat","grass"]})"},
      {R"({"baz":"qux","foo":["a",2,"c"]})",
       R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
       R"({"baz":"qux","foo":["a",2,"c"]})"},
      {R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])", nullptr},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
       R"({"foo":"bar","child":{"grandchild":{}}})"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux","xyz":123}])",
       R"({"foo":"bar","baz":"qux"})"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz/bat","value":"qux"}])", nullptr},
      {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])",
       R"({"/":9,"~1":10})"},
      {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":"10"}])", nullptr},
      {R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
       R"({"foo":["bar",["abc","def"]]})"},
      {R"({"a":1})", R"([{"op":"test","path":"/a","value":1.0}])", R"({"a":1})"},
      {R"({"a":{"x":1,"y":2}})", R"([{"op":"test","path":"/a","value":{"y":2,"x":1}}])",
       R"({"a":{"x":1,"y":2}})"},
      {R"({"a":1})", R"([{"op":"copy","from":"/a","path":"/b"}])", R"({"a":1,"b":1})"},
      {R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":2}}])", R"({"b":2})"},
      {R"({"a":{}})", R"([{"op":"move","from":"/a","path":"/a/b"}])", nullptr},
      {R"({"a":[1]})", R"([{"op":"add","path":"/a/2","value":1}])", nullptr},
      {R"({"a":[1]})", R"([{"op":"add","path":"/a/01","value":1}])", nullptr},
      {R"({"a":[1]})", R"([{"op":"remove","path":"/a/-"}])", nullptr},
      {R"({"a":1})", R"([{"op":"remove","path":"/b"}])", nullptr},
      {R"({"a":1})", R"([{"op":"replace","path":"/b","value":1}])", nullptr},
      {R"({"a":1})", R"([{"op":"add","path":"b","value":1}])", nullptr},
      {R"({"a":1})", R"([{"op":"add","path":"/b~2","value":1}])", nullptr},
      {R"({"a":1})", R"([{"op":"add","path":"/b"}])", nullptr},
      {R"({"a":1})", R"([{"op":"frobnicate","path":"/b"}])", nullptr},
      {R"({"a":1})", R"([{"path":"/b"}])", nullptr},
      {R"({"a":1})", R"({"op":"remove","path":"/a"})", nullptr},
      {R"({"a":1})", R"([7])", nullptr},
  };
  for (const JsonPatchCase& one : cases) {
    boost::json::value document = boost::json::parse(one.document);
    const PatchFailure failure = apply_json_patch(document, boost::json::parse(one.patch));
    EXPECT_EQ(!failure, one.expected != nullptr) << one.patch << ": " << failure.message;
    if (!failure && one.expected) {
      EXPECT_EQ(document, boost::json::parse(one.expected)) << one.patch;
    }
  }
}

TEST(JsonPatch, ChangesObjects) {
  EXPECT_NE(patched(pod(R"("metadata":{"name":"web","labels":{"app":"web"}})"), PatchType::json,
                    R"([{"op":"add","path":"/metadata/labels/x~1y","value":"z"}])")
                .find(R"("labels":{"app":"web","x/y":"z"})"),
            std::string::npos);
}

TEST(JsonPatch, AFailedTestIsUnprocessable) {
  const Patched result =
      apply_patch(*pod(R"("metadata":{"labels":{"app":"web"}})"), PatchType::json,
                  R"([{"op":"test","path":"/metadata/labels/app","value":"nope"}])");
  EXPECT_EQ(result.error.reason, Reason::invalid);
  EXPECT_EQ(result.error.message,
            "the server rejected our request due to an error in our request");
  EXPECT_TRUE(result.error.causes.empty());
  EXPECT_TRUE(result.error.generic);
}

TEST(JsonPatch, TakesABoundedNumberOfSteps) {
  boost::json::array long_list(100'000);
  const boost::json::value document = boost::json::object({{"a", std::move(long_list)}});
  const auto repeated = [&](std::string_view operations, int times) {
    boost::json::array patch;
    const boost::json::value parsed = boost::json::parse({operations.data(), operations.size()});
    for (int i = 0; i < times; ++i) {
      for (const boost::json::value& one : parsed.get_array()) patch.push_back(one);
    }
    boost::json::value copy = document;
    return apply_json_patch(copy, patch);
  };
  for (const char* operations : {R"([{"op": "add", "path": "/a/0", "value": 1}])",
                                 R"([{"op": "remove", "path": "/a/0"}])",
                                 R"([{"op": "move", "from": "/a", "path": "/b"},
                                     {"op": "move", "from": "/b", "path": "/a"}])"}) {
    EXPECT_FALSE(repeated(operations, 10)) << operations;
    const PatchFailure failure = repeated(operations, 5'000);
    EXPECT_EQ(failure.kind, PatchFailure::Kind::too_large) << operations;
  }
  // What happens at the end of a list costs nothing.
  EXPECT_FALSE(repeated(R"([{"op": "add", "path": "/a/-", "value": 1}])", 10'000));
}

TEST(JsonPatch, CopiesCannotBlowUpTheDocument) {
  std::string patch = "[";
  for (int i = 0; i < 40; ++i) {
    patch += R"({"op":"copy","from":"/metadata","path":"/metadata/a)" + std::to_string(i) + R"("},)";
  }
  patch.back() = ']';
  const Patched result = apply_patch(*pod(R"("metadata":{"name":"p"})"), PatchType::json, patch);
  EXPECT_EQ(result.error.reason, Reason::request_entity_too_large);
}

// --- RFC 7386 --------------------------------------------------------------------------------------

TEST(MergePatch, Rfc7386) {
  const JsonPatchCase cases[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const JsonPatchCase& one : cases) {
    boost::json::value document = boost::json::parse(one.document);
    apply_merge_patch(document, boost::json::parse(one.patch));
    EXPECT_EQ(document, boost::json::parse(one.expected)) << one.patch;
  }
}

TEST(MergePatch, ReplacesListsAndRemovesByNull) {
  const ObjectPtr before = pod(R"("metadata":{"name":"p","labels":{"a":"1","b":"2"},)"
                               R"("finalizers":["x","y"]})");
  const std::string after =
      patched(before, PatchType::merge,
              R"({"metadata":{"labels":{"a":null,"c":"3"},"finalizers":["z"]}})");
  EXPECT_NE(after.find(R"("labels":{"b":"2","c":"3"},"finalizers":["z"])"), std::string::npos)
      << after;
}

// --- Strategic merge -------------------------------------------------------------------------------

TEST(StrategicPatch, MergesListsByTheirKey) {
  const std::string before = R"({"containers":[)" + container("a", "1") + "," +
                             container("b", "2") + R"(],"nodeName":"n"})";
  EXPECT_EQ(patched_spec(before, R"({"containers":[{"name":"b","image":"3"}]})"),
            R"({"containers":[)" + container("a", "1") + "," + container("b", "3") +
                R"(],"nodeName":"n"})");
  // A new element comes before those that only the server has, as on a real server.
  EXPECT_EQ(patched_spec(before, R"({"containers":[{"name":"c","image":"4"}]})"),
            R"({"containers":[)" + container("c", "4") + "," + container("a", "1") + "," +
                container("b", "2") + R"(],"nodeName":"n"})");
}

TEST(StrategicPatch, MergesNestedLists) {
  EXPECT_EQ(patched_spec(R"({"containers":[{"name":"c","ports":[{"containerPort":80}],)"
                         R"("env":[{"name":"A","value":"1"}]}]})",
                         R"({"containers":[{"name":"c","ports":[{"containerPort":81}],)"
                         R"("env":[{"name":"A","value":"2"},{"name":"B","value":"3"}]}]})"),
            R"({"containers":[{"name":"c","ports":[{"containerPort":81},{"containerPort":80}],)"
            R"("env":[{"name":"A","value":"2"},{"name":"B","value":"3"}],"resources":{}}]})");
}

TEST(StrategicPatch, ReplacesAtomicLists) {
  EXPECT_EQ(patched_spec(R"({"containers":[{"name":"c","args":["a","b"]}],)"
                         R"("tolerations":[{"key":"x"},{"key":"y"}]})",
                         R"({"containers":[{"name":"c","args":["z"]}],"tolerations":[{"key":"w"}]})"),
            R"({"containers":[{"name":"c","args":["z"],"resources":{}}],)"
            R"("tolerations":[{"key":"w"}]})");
}

TEST(StrategicPatch, DeletesElementsAndMembers) {
  const std::string before = R"({"containers":[)" + container("a", "1") + "," +
                             container("b", "2") + R"(],"nodeName":"n"})";
  EXPECT_EQ(patched_spec(before, R"({"nodeName":null,"hostname":null,)"
                                 R"("containers":[{"name":"a","$patch":"delete"}]})"),
            R"({"containers":[)" + container("b", "2") + "]}");
  EXPECT_EQ(patched_spec(before, R"({"containers":[{"name":"zzz","$patch":"delete"}]})"), before);
}

TEST(StrategicPatch, ReplacesMapsAndLists) {
  const std::string before = R"({"containers":[)" + container("a", "1") + R"(],"nodeName":"n"})";
  EXPECT_EQ(patched_spec(before, R"({"$patch":"replace","hostname":"h"})"),
            R"({"containers":null,"hostname":"h"})");
  EXPECT_EQ(patched_spec(before, R"({"containers":[{"$patch":"replace"},{"name":"z"}]})"),
            R"({"containers":[{"name":"z","resources":{}}],"nodeName":"n"})");
  EXPECT_EQ(patched_spec(R"({"containers":[],"securityContext":{"fsGroup":1}})",
                         R"({"securityContext":{"$patch":"delete"}})"),
            R"({"containers":null,"securityContext":{}})");
  EXPECT_EQ(patched_spec(before, R"({"$patch":"merge","hostname":"h"})"),
            R"({"containers":[)" + container("a", "1") + R"(],"nodeName":"n","hostname":"h"})");
}

TEST(StrategicPatch, RetainsKeys) {
  const ObjectPtr before = object(
      R"({"kind":"Deployment","apiVersion":"apps/v1","spec":{"strategy":{"type":"RollingUpdate",)"
      R"("rollingUpdate":{"maxSurge":1}},"template":{"spec":{"volumes":[{"name":"v",)"
      R"("emptyDir":{}}]}}}})");
  const std::string after = patched(
      before, PatchType::strategic,
      R"({"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"},"template":{"spec":)"
      R"({"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"}}]}}}})");
  EXPECT_NE(after.find(R"("strategy":{"type":"Recreate"})"), std::string::npos) << after;
  EXPECT_NE(after.find(R"("volumes":[{"name":"v","hostPath":{"path":"/x"}}])"), std::string::npos)
      << after;
  EXPECT_EQ(patched(before, PatchType::strategic,
                    R"({"spec":{"strategy":{"$retainKeys":[],"type":"Recreate"}}})"),
            "invalid patch format of retainKeys");
}

TEST(StrategicPatch, SetsTheOrderOfElements) {
  const std::string before = R"({"containers":[)" + container("a", "1") + "," +
                             container("b", "2") + "," + container("c", "3") + "]}";
  EXPECT_EQ(patched_spec(before,
                         R"({"$setElementOrder/containers":[{"name":"c"},{"name":"b"},{"name":"d"}],)"
                         R"("containers":[{"name":"b","image":"9"},{"name":"d","image":"4"}]})"),
            R"({"containers":[)" + container("a", "1") + "," + container("c", "3") + "," +
                container("b", "9") + "," + container("d", "4") + "]}");
  // What the order list does not name must not be changed along with it.
  EXPECT_NE(patched_spec(before, R"({"$setElementOrder/containers":[{"name":"a"}],)"
                                 R"("containers":[{"name":"b","image":"9"}]})")
                .find("doesn't match $setElementOrder"),
            std::string::npos);
  // As `kubectl apply` removes one container.
  EXPECT_EQ(patched_spec(before, R"({"$setElementOrder/containers":[{"name":"a"},{"name":"c"}],)"
                                 R"("containers":[{"$patch":"delete","name":"b"}]})"),
            R"({"containers":[)" + container("a", "1") + "," + container("c", "3") + "]}");
}

TEST(StrategicPatch, ListsOfScalarsAreSets) {
  const ObjectPtr before = pod(R"("metadata":{"finalizers":["a","b","c"]})");
  const auto finalizers = [&](std::string_view patch) {
    const Patched result = apply_patch(*before, PatchType::strategic,
                                       R"({"metadata":)" + std::string(patch) + "}");
    std::string out = result.error.message;
    if (result.error.ok()) {
      for (const auto& f : static_cast<const Pod&>(*result.message).metadata().finalizers()) out += f;
    }
    return out;
  };
  EXPECT_EQ(finalizers(R"({"finalizers":["d","b"]})"), "dabc");
  EXPECT_EQ(finalizers(R"({"$deleteFromPrimitiveList/finalizers":["a","z"]})"), "bc");
  EXPECT_EQ(finalizers(R"({"$setElementOrder/finalizers":["c","b","a"]})"), "cba");
  EXPECT_EQ(finalizers(R"({"$deleteFromPrimitiveList/finalizers":["b"],"finalizers":["d"],)"
                       R"("$setElementOrder/finalizers":["a","d","c"]})"),
            "adc");
  EXPECT_EQ(finalizers(R"({"finalizers":null})"), "");
  EXPECT_EQ(finalizers(R"({"$deleteFromPrimitiveList/finalizers":"a"})"),
            "invalid patch format of primitive list");
  EXPECT_EQ(finalizers(R"({"$setElementOrder/finalizers":"a"})"),
            "invalid patch format of setElementOrder list");
}

// A list of this length would take minutes if each element were looked for in the whole list.
TEST(StrategicPatch, LongListsAreMerged) {
  constexpr int count = 50'000;
  std::string patch = R"({"metadata":{"finalizers":[)", order = R"("$setElementOrder/finalizers":[)";
  std::string containers = R"("spec":{"containers":[{"$patch":"delete","name":"c0"})";
  for (int i = count; i > 0; --i) {
    const std::string name = "\"c" + std::to_string(i) + "\"";
    patch += name + ",";
    order += name + ",";
    containers += R"(,{"name":)" + name + "}";
  }
  patch.back() = order.back() = ']';
  patch += "," + order + "}," + containers + "]}}";
  const Patched result =
      apply_patch(*pod(R"("metadata":{"finalizers":["c7","x"]},"spec":{"containers":[{"name":"c0"},)"
                       R"({"name":"c3"}]})"),
                  PatchType::strategic, patch);
  ASSERT_TRUE(result.error.ok()) << result.error.message;
  const auto& after = static_cast<const Pod&>(*result.message);
  ASSERT_EQ(after.metadata().finalizers_size(), count + 1);
  EXPECT_EQ(after.metadata().finalizers(0), "c50000");
  EXPECT_EQ(after.metadata().finalizers(count), "x");
  ASSERT_EQ(after.spec().containers_size(), count);
  EXPECT_EQ(after.spec().containers(0).name(), "c50000");
  EXPECT_EQ(after.spec().containers(count - 1).name(), "c1");
}

TEST(StrategicPatch, MergesTheListsOfEphemeralContainers) {
  EXPECT_EQ(patched_spec(R"({"containers":null,"ephemeralContainers":[{"name":"e","env":)"
                         R"([{"name":"A"},{"name":"B"}],"volumeMounts":[{"name":"v",)"
                         R"("mountPath":"/v"}]}]})",
                         R"({"ephemeralContainers":[{"name":"e","env":[{"name":"B","value":"2"}],)"
                         R"("volumeMounts":[{"name":"w","mountPath":"/w"}]}]})"),
            R"({"containers":null,"ephemeralContainers":[{"name":"e","env":[{"name":"A"},)"
            R"({"name":"B","value":"2"}],"resources":{},"volumeMounts":[{"name":"w",)"
            R"("mountPath":"/w"},{"name":"v","mountPath":"/v"}]}]})");
}

TEST(StrategicPatch, MergesGatesAndReplacesTheSelectorOfABudget) {
  EXPECT_EQ(patched_spec(R"({"containers":null,"schedulingGates":[{"name":"a"},{"name":"b"}]})",
                         R"({"schedulingGates":[{"$patch":"delete","name":"a"}]})"),
            R"({"containers":null,"schedulingGates":[{"name":"b"}]})");
  const ObjectPtr budget = object(
      R"({"kind":"PodDisruptionBudget","apiVersion":"policy/v1","spec":{"selector":)"
      R"({"matchLabels":{"a":"1"}}}})");
  EXPECT_NE(patched(budget, PatchType::strategic,
                    R"({"spec":{"selector":{"matchLabels":{"b":"2"}}}})")
                .find(R"("selector":{"matchLabels":{"b":"2"}})"),
            std::string::npos);
}

TEST(StrategicPatch, LabelsAreAMap) {
  EXPECT_NE(patched(pod(R"("metadata":{"labels":{"a":"1","b":"2"}})"), PatchType::strategic,
                    R"({"metadata":{"labels":{"a":null,"c":"3"}}})")
                .find(R"("labels":{"b":"2","c":"3"})"),
            std::string::npos);
}

TEST(StrategicPatch, DirectivesDoNotSurviveInNewParts) {
  EXPECT_EQ(patched_spec(R"({"containers":[]})",
                         R"({"$setElementOrder/containers":[{"name":"c"}],"containers":[{"name":"c",)"
                         R"("env":[{"$patch":"delete","name":"X"},{"name":"Y","value":null}]},)"
                         R"({"$patch":"delete","name":"z"}],"affinity":{"$patch":"delete"}})"),
            R"({"containers":[{"name":"c","env":[{"name":"Y"}],"resources":{}}],"affinity":{}})");
}

TEST(StrategicPatch, ErrorsOfMalformedPatches) {
  const ObjectPtr before = pod(R"("spec":{"containers":[{"name":"c"}]})");
  const auto error = [&](std::string_view patch) {
    const Patched result = apply_patch(*before, PatchType::strategic, patch);
    EXPECT_FALSE(result.error.ok()) << patch;
    return result.error;
  };
  EXPECT_EQ(error("{").reason, Reason::bad_request);
  EXPECT_EQ(error("[]").reason, Reason::bad_request);
  EXPECT_EQ(error(R"({"spec":{"$patch":"explode"}})").message, "unknown patch type: explode in map");
  EXPECT_NE(error(R"({"spec":{"containers":[{"image":"x"}]}})")
                .message.find("does not contain declared merge key: name"),
            std::string::npos);
  const ApiError restore = error(R"({"metadata":{"labels":"invalid"}})");
  EXPECT_EQ(restore.reason, Reason::invalid);
  EXPECT_NE(restore.message.find("cannot restore map from string"), std::string::npos)
      << restore.message;
  EXPECT_NE(restore.message.find("map[metadata:map[labels:invalid]]"), std::string::npos);
  EXPECT_NE(error(R"({"spec":{"containers":"x"}})").message.find("cannot restore slice from string"),
            std::string::npos);
  EXPECT_EQ(error(R"({"kind":"Service"})").reason, Reason::bad_request);
}

// --- All of them -----------------------------------------------------------------------------------

TEST(Patch, AResourceVersionInThePatchIsAPrecondition) {
  const ObjectPtr before = pod(R"("metadata":{"name":"p"})")->at({4, 10});
  EXPECT_FALSE(apply_patch(*before, PatchType::merge, "{}").revision.has_value());
  for (const PatchType type : {PatchType::merge, PatchType::strategic}) {
    const Patched result = apply_patch(*before, type, R"({"metadata":{"resourceVersion":"10"}})");
    EXPECT_EQ(result.revision, (Revision{4, 10}));
    EXPECT_TRUE(static_cast<const Pod&>(*result.message).metadata().resource_version().empty());
  }
  EXPECT_EQ(apply_patch(*before, PatchType::json,
                        R"([{"op":"replace","path":"/metadata/resourceVersion","value":"9"}])")
                .revision,
            (Revision{4, 9}));
  // To test it is to test the object at hand.
  const Patched tested =
      apply_patch(*before, PatchType::json,
                  R"([{"op":"test","path":"/metadata/resourceVersion","value":"10"}])");
  EXPECT_TRUE(tested.error.ok());
  EXPECT_FALSE(tested.revision.has_value());
  EXPECT_FALSE(apply_patch(*before, PatchType::merge, R"({"metadata":{"resourceVersion":"x"}})")
                   .error.ok());
}

TEST(Patch, AnEmptyPatchChangesNothing) {
  const ObjectPtr before = pod(R"("metadata":{"name":"p","labels":{"a":"1"}},"spec":{"containers":)"
                               R"([{"name":"c","resources":{"limits":{"cpu":"1"}}}]})");
  EXPECT_EQ(patched(before, PatchType::json, "[]"), encode_message(before->message()));
  EXPECT_EQ(patched(before, PatchType::merge, "{}"), encode_message(before->message()));
  EXPECT_EQ(patched(before, PatchType::strategic, "{}"), encode_message(before->message()));
}

}  // namespace
}  // namespace keelson::api
