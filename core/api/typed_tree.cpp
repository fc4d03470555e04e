#include "core/api/typed_tree.hpp"

#include <map>

#include "core/api/json_view.hpp"
#include "core/api/tree_type.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;
using Form = TreeType::Form;

const json::object& members(const json::value* value) {
  static const json::object none;
  const json::object* object = value ? value->if_object() : nullptr;
  return object ? *object : none;
}

const json::array& elements(const json::value* value) {
  static const json::array none;
  const json::array* array = value ? value->if_array() : nullptr;
  return array ? *array : none;
}

bool hollow(const json::value* value, Form form) {
  return form == Form::list ? elements(value).empty() : members(value).empty();
}

// Elements by what identifies them; several may share it, though they should not.
using Index = std::map<FieldStep, std::vector<const json::value*>>;

Index index_of(const json::value* list, const TreeType& type) {
  Index index;
  for (const json::value& element : elements(list)) {
    if (auto step = type.step_to(element, nullptr)) index[*std::move(step)].push_back(&element);
  }
  return index;
}

class Comparer {
 public:
  TreeDifference out;

  // At least one of both is there.
  void compare(const json::value* before, const json::value* now, const TreeType& type) {
    // Two empty values are one field, so that null, [] and absent can be told apart.
    if (type.leaf() || (hollow(before, type.form) && hollow(now, type.form))) {
      differ(before, now, before && now && *before != *now);
      return;
    }
    type.form == Form::list ? lists(before, now, type) : maps(before, now, type);
    differ(before, now, false);
  }

 private:
  void differ(const json::value* before, const json::value* now, bool modified) {
    if (!before) {
      out.added.insert(path_);
    } else if (!now) {
      out.removed.insert(path_);
    } else if (modified) {
      out.modified.insert(path_);
    }
  }

  void descend(FieldStep step, const json::value* before, const json::value* now,
               const TreeType& type) {
    path_.push_back(std::move(step));
    compare(before, now, type);
    path_.pop_back();
  }

  void maps(const json::value* before, const json::value* now, const TreeType& type) {
    for (const auto& member : members(before)) {
      const std::string_view key = view(member.key());
      descend(FieldStep::field(key), &member.value(), members(now).if_contains(member.key()),
              type.member(key));
    }
    for (const auto& member : members(now)) {
      if (members(before).contains(member.key())) continue;
      const std::string_view key = view(member.key());
      descend(FieldStep::field(key), nullptr, &member.value(), type.member(key));
    }
  }

  void lists(const json::value* before, const json::value* now, const TreeType& type) {
    const Index had = index_of(before, type), has = index_of(now, type);
    const TreeType element = type.element();
    for (const auto& [step, values] : had) {
      const auto found = has.find(step);
      if (found == has.end()) {
        pair(step, values, {}, element);
      } else {
        pair(step, values, found->second, element);
      }
    }
    for (const auto& [step, values] : has) {
      if (!had.contains(step)) pair(step, {}, values, element);
    }
  }

  void pair(const FieldStep& step, const std::vector<const json::value*>& before,
            const std::vector<const json::value*>& now, const TreeType& element) {
    if (before.size() <= 1 && now.size() <= 1) {
      descend(step, before.empty() ? nullptr : before[0], now.empty() ? nullptr : now[0], element);
      return;
    }
    // Duplicates cannot be told apart: together they are one field.
    const auto equal = [](const json::value* a, const json::value* b) { return *a == *b; };
    const bool same = std::equal(before.begin(), before.end(), now.begin(), now.end(), equal);
    path_.push_back(step);
    differ(before.empty() ? nullptr : before[0], now.empty() ? nullptr : now[0], !same);
    path_.pop_back();
  }

  FieldPath path_;
};

class Lister {
 public:
  explicit Lister(TreeProblems* problems) : problems_(problems) {}
  FieldSet out;

  void list(const json::value& value, const TreeType& type) {
    if (type.leaf()) {
      out.insert(path_);
    } else if (type.form == Form::list) {
      items(value, type);
    } else {
      maps(value, type);
    }
  }

 private:
  void maps(const json::value& value, const TreeType& type) {
    if (!value.is_object() && !value.is_null()) return problem("expected map");
    for (const auto& member : members(&value)) {
      const std::string_view key = view(member.key());
      path_.push_back(FieldStep::field(key));
      if (type.form == Form::message && !type.names(key)) {
        problem("field not declared in schema");
      } else {
        list(member.value(), type.member(key));
        const json::object* object = member.value().if_object();
        const bool empty = member.value().is_null() || (object && object->empty());
        if (empty || !type.names(key)) out.insert(path_);
      }
      path_.pop_back();
    }
  }

  void items(const json::value& value, const TreeType& type) {
    if (!value.is_array() && !value.is_null()) return problem("expected list");
    std::map<FieldStep, int> seen;
    std::size_t position = 0;
    for (const json::value& element : elements(&value)) {
      std::string why;
      const auto step = type.step_to(element, &why);
      if (!step) {
        problem("element " + std::to_string(position) + ": " + why);
      } else if (++seen[*step] == 2) {
        problem("duplicate entries for key " + to_string(FieldPath{*step}));
      }
      ++position;
    }
    for (const json::value& element : elements(&value)) {
      const auto step = type.step_to(element, nullptr);
      if (!step) continue;
      path_.push_back(*step);
      if (seen[*step] == 1) list(element, type.element());
      out.insert(path_);
      path_.pop_back();
    }
  }

  void problem(const std::string& what) {
    if (!problems_) return;
    const std::string place = to_string(path_);
    problems_->push_back(place.empty() ? what : place + ": " + what);
  }

  TreeProblems* problems_;
  FieldPath path_;
};

json::value merge(const json::value* base, const json::value* config, const TreeType& type);

json::value merge_maps(const json::value* base, const json::value* config, const TreeType& type) {
  json::object out;
  for (const auto& member : members(base)) {
    out.emplace(member.key(), merge(&member.value(), members(config).if_contains(member.key()),
                                    type.member(view(member.key()))));
  }
  for (const auto& member : members(config)) {
    if (members(base).contains(member.key())) continue;
    out.emplace(member.key(), merge(nullptr, &member.value(), type.member(view(member.key()))));
  }
  return out;
}

// Weaves two lists together: elements of both stand in the order of the configuration, those that
// only the base has stay behind what they came after.
class ListMerger {
 public:
  ListMerger(const json::value* base, const json::value* config, const TreeType& type)
      : base_(base), config_(config), type_(type), had_(index_of(base, type)),
        wanted_(index_of(config, type)) {
    steps(base, before_);
    steps(config, now_);
    for (const Item& item : now_) {
      if (had_.contains(item.step)) shared_.push_back(item.step);
    }
  }

  json::value run() {
    std::size_t i = 0, j = 0;
    while (i < before_.size() || j < now_.size()) {
      if (i < before_.size() && j < now_.size()) {
        if (before_[i].step == now_[j].step) {
          take_config(j++);
          ++i;
          ++next_;
          continue;
        }
        // Shared, but not the one whose turn it is.
        if (wanted_.contains(before_[i].step) && next_ < shared_.size() &&
            shared_[next_] != before_[i].step) {
          ++i;
          continue;
        }
      }
      if (i < before_.size()) {
        if (!wanted_.contains(before_[i].step)) {
          out_.push_back(*before_[i++].value);
          continue;
        }
        if (taken_.contains(before_[i].step)) ++i;
      }
      if (j < now_.size()) {
        const bool turn = next_ < shared_.size() && shared_[next_] == now_[j].step;
        take_config(j++);
        if (turn) ++next_;
      }
    }
    return std::move(out_);
  }

 private:
  struct Item {
    FieldStep step;
    const json::value* value;
  };

  void steps(const json::value* list, std::vector<Item>& into) const {
    for (const json::value& element : elements(list)) {
      if (auto step = type_.step_to(element, nullptr)) into.push_back({*std::move(step), &element});
    }
  }

  void take_config(std::size_t at) {
    const Item& item = now_[at];
    taken_[item.step] = true;
    const auto found = had_.find(item.step);
    const bool one = found != had_.end() && found->second.size() == 1;
    out_.push_back(merge(one ? found->second[0] : nullptr, item.value, type_.element()));
  }

  const json::value* base_;
  const json::value* config_;
  const TreeType& type_;
  Index had_, wanted_;
  std::vector<Item> before_, now_;
  std::vector<FieldStep> shared_;  // in both, in the configuration's order
  std::size_t next_ = 0;           // of those, the next to come
  std::map<FieldStep, bool> taken_;
  json::array out_;
};

json::value merge(const json::value* base, const json::value* config, const TreeType& type) {
  if (type.leaf() || (hollow(base, type.form) && hollow(config, type.form))) {
    return config ? *config : *base;
  }
  if (!config) return *base;
  if (type.form == Form::list) return ListMerger(base, config, type).run();
  return merge_maps(base, config, type);
}

json::value remove(const json::value& value, const FieldSet& set, const TreeType& type) {
  if (type.form == Form::scalar) return value;
  if (type.atomic) return hollow(&value, type.form) ? value : json::value();
  if (type.form == Form::list) {
    json::array rest;
    for (const json::value& element : elements(&value)) {
      const auto step = type.step_to(element, nullptr);
      if (step && set.has(*step)) continue;
      const FieldSet* below = step ? set.below(*step) : nullptr;
      rest.push_back(below ? remove(element, *below, type.element()) : element);
    }
    return rest.empty() ? json::value() : json::value(std::move(rest));
  }
  json::object rest;
  for (const auto& member : members(&value)) {
    const FieldStep step = FieldStep::field(view(member.key()));
    if (set.has(step)) continue;
    const FieldSet* below = set.below(step);
    rest.emplace(member.key(), below ? remove(member.value(), *below, type.member(step.name))
                                     : member.value());
  }
  return rest.empty() ? json::value() : json::value(std::move(rest));
}

FieldSet named(const FieldSet& set, const TreeType& type) {
  FieldSet out;
  for (const auto& [step, node] : set.nodes()) {
    const bool name = step.type == FieldStep::Type::field;
    const bool element = step.type == FieldStep::Type::key && type.form == Form::list;
    if (node.member || (!node.below.empty() && name && type.names(step.name))) out.insert(step);
    if (node.below.empty()) continue;
    const TreeType below = name ? type.member(step.name)
                                : (element ? type.element() : TreeType{});
    out.under(step) = named(node.below, below);
  }
  return out;
}

}  // namespace

TreeDifference compare_trees(const json::value& before, const json::value& now,
                             const MessagePlan& plan) {
  Comparer comparer;
  comparer.compare(&before, &now, TreeType::of(plan));
  return std::move(comparer.out);
}

FieldSet fields_of_tree(const json::value& tree, const MessagePlan& plan, TreeProblems* problems) {
  Lister lister(problems);
  lister.list(tree, TreeType::of(plan));
  return std::move(lister.out);
}

json::value merge_trees(const json::value& base, const json::value& config,
                        const MessagePlan& plan) {
  return merge(&base, &config, TreeType::of(plan));
}

json::value remove_fields(const json::value& tree, const FieldSet& set, const MessagePlan& plan) {
  return remove(tree, set, TreeType::of(plan));
}

FieldSet with_named_parents(const FieldSet& set, const MessagePlan& plan) {
  return named(set, TreeType::of(plan));
}

}  // namespace keelson::api
