// Objects as JSON trees whose structure is known from the plans of their messages: which of their
// parts are fields of their own, and how lists are compared and merged. All that server-side apply
// does to objects comes down to these functions.
// Source: sigs.k8s.io/structured-merge-diff, typed.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "core/api/field_set.hpp"
#include "core/api/json_plan.hpp"

namespace keelson::api {

// Where a tree is not what its type says (an element of a list lacks its key), as messages have it:
// ".spec.containers: element 0: ...".
using TreeProblems = std::vector<std::string>;

struct TreeDifference {
  FieldSet added, modified, removed;
};
// A tree that is not well formed is compared as far as it is.
TreeDifference compare_trees(const boost::json::value& before, const boost::json::value& now,
                             const MessagePlan& plan);

// The fields that a configuration sets. `problems`: what is wrong with it; may be null.
FieldSet fields_of_tree(const boost::json::value& tree, const MessagePlan& plan,
                        TreeProblems* problems);

// `base` with everything that `config` sets. Elements of lists keep the order of both as far as
// they agree; where they do not, that of `config` counts.
boost::json::value merge_trees(const boost::json::value& base, const boost::json::value& config,
                               const MessagePlan& plan);

// Without the fields of the set, and what is below them. What has become empty is null.
boost::json::value remove_fields(const boost::json::value& tree, const FieldSet& set,
                                 const MessagePlan& plan);

// The set and, for each of its fields, the members of messages that lead to it: those cannot be
// absent if the field is there, whoever owns them.
FieldSet with_named_parents(const FieldSet& set, const MessagePlan& plan);

}  // namespace keelson::api
