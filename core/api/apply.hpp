// Server-side apply: a client sends what it wants to say about an object, the server merges it with
// what others have said, remembers who said what, and refuses to overwrite others silently.
// Source: sigs.k8s.io/structured-merge-diff/merge and Kubernetes' managedfields managers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/error.hpp"
#include "core/api/managed_fields.hpp"
#include "core/api/object.hpp"
#include "core/api/request.hpp"

namespace keelson::api {

struct MessagePlan;

// What to apply: parsed, and of the form of its kind.
class Configuration {
 public:
  // JSON or YAML. Errors are 400: not of the plan's kind, fields that it does not have, elements of
  // lists without their keys, managedFields; with strict validation, members that are there twice.
  static std::shared_ptr<const Configuration> parse(std::string_view text, const MessagePlan& plan,
                                                    FieldValidation validation, ApiError& error);
  ~Configuration();

  const MessagePlan& plan() const { return plan_; }
  // As a message, without defaults; resourceVersion has been taken out.
  const Message& message() const { return *message_; }
  // metadata.resourceVersion, a precondition, as it is written; empty: none.
  const std::string& resource_version() const { return resource_version_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

  struct Tree;
  const Tree& tree() const { return *tree_; }

 private:
  explicit Configuration(const MessagePlan& plan);

  const MessagePlan& plan_;
  std::unique_ptr<Tree> tree_;
  std::unique_ptr<Message> message_;
  std::string resource_version_;
  std::vector<std::string> warnings_;
};
using ConfigurationPtr = std::shared_ptr<const Configuration>;

// The outcome: an object without defaults, and who manages what in it.
struct Applied {
  std::unique_ptr<Message> message;
  ManagedFields managed;  // the applier's own entry with the time of its last application
  ApiError error;         // 409 with a cause for each field that somebody else has set
};
// `before`: the object as it is; null: there is none. `writer` manages what the configuration has;
// what it managed before, and does not mention now, goes, unless somebody else manages it too.
// `force` takes over what others manage. REQUIRES: a configuration of the kind.
Applied apply_configuration(Kind kind, const Message* before, const Configuration& configuration,
                            const FieldWriter& writer, bool force);
// The same through the scale subresource: the configuration is a Scale, and all that it can say
// about the object is spec.replicas.
Applied apply_scale(Kind kind, const Message& before, const Configuration& scale,
                    const FieldWriter& writer, bool force);

// Notes in `now`, which `applied` has become with defaults and all, who manages its fields. If it
// says what `before` said, the times stay and nothing has changed.
void note_application(Kind kind, const Applied& applied, const Message* before, Message& now,
                      const FieldWriter& writer);

}  // namespace keelson::api
