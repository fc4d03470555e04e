// describe: one object and what belongs to it, in kubectl's layout. Each kind that has a layout of
// its own is a function; all others are printed field by field.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/cluster/targets.hpp"

namespace keelson::cli {

// Lines with tabs between their cells, aligned at the end. Levels indent by two spaces.
class Page {
 public:
  explicit Page(WallTime now) : now_(now) {}

  template <class... Args>
  void line(int level, fmt::format_string<Args...> format, Args&&... args) {
    text_.append(static_cast<std::size_t>(level) * 2, ' ');
    text_ += fmt::format(format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  void raw(std::string_view text) { text_ += text; }
  // "Labels:   a=b" and the others below; `title` has its own indentation.
  void labels(std::string_view title, const JsonObject& labels);
  void annotations(std::string_view title, const JsonObject& annotations);

  WallTime now() const { return now_; }
  // What has been written, aligned; columns do not reach beyond it.
  std::string take();

 private:
  WallTime now_;
  std::string text_;
};

// "a=b,c in (d,e)" of an object's selector: spec.selector with matchLabels, or a map; "" if it has
// none.
std::string selector_text(const Json& object);
std::string label_selector_text(const Json& selector);

// "Pod Template:" and what it says, as rollout history --revision shows it.
std::string describe_template(const Json& pod_template);

// The members of an object in a stable order.
std::vector<std::pair<std::string, const Json*>> sorted_members(const JsonObject& object);

// "ReplicaSet/kel-7d9c"; "" if nothing controls it.
std::string controller_text(const Json& object);
std::string or_none(std::string text);

// The parts. Each writes all lines but those of the events.
void describe_pod(Page& page, const Json& pod);
void describe_pod_template(Page& page, const Json& pod_template);
void describe_containers(Page& page, std::string_view label, const JsonArray& containers,
                         const JsonArray& statuses, std::string_view space);
void describe_volumes(Page& page, const JsonArray& volumes, std::string_view space);
void describe_tolerations(Page& page, std::string_view title, const JsonArray& tolerations);
void describe_generic(Page& page, const Json& object);

Status describe_node(Session& session, Page& page, const Json& node);
Status describe_deployment(Session& session, Page& page, const Json& deployment);
Status describe_replica_set(Session& session, Page& page, const Json& set);
Status describe_service(Session& session, Page& page, const Json& service);
Status describe_namespace(Session& session, Page& page, const Json& ns);
void describe_secret(Page& page, const Json& secret);
void describe_config_map(Page& page, const Json& map);
void describe_service_account(Page& page, const Json& account);
void describe_budget(Page& page, const Json& budget);

}  // namespace keelson::cli
