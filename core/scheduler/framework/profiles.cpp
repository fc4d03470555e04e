#include "core/scheduler/framework/profiles.hpp"

namespace keelson::scheduler {

Profiles::Profiles(ProfilePtr profile) {
  entries_.push_back({std::string(kDefaultSchedulerName), std::move(profile), 0});
}

Result<Profiles> Profiles::make(std::vector<Entry> entries) {
  if (entries.empty()) return Error{Code::invalid, "a scheduler needs a profile"};
  Profiles profiles;
  for (Entry& entry : entries) {
    if (entry.scheduler_name.empty()) return Error{Code::invalid, "a profile needs a name"};
    if (profiles.find(entry.scheduler_name) != nullptr) {
      return Error{Code::invalid, "there are two profiles \"" + entry.scheduler_name + "\""};
    }
    if (!profiles.entries_.empty() &&
        profiles.sorter().name() != entry.profile->sorter().name()) {
      return Error{Code::invalid, "all profiles must sort the queue by the same plugin: there is "
                                  "one queue"};
    }
    profiles.entries_.push_back(std::move(entry));
  }
  return profiles;
}

const Profiles::Entry* Profiles::find(std::string_view scheduler_name) const {
  if (scheduler_name.empty()) scheduler_name = kDefaultSchedulerName;
  for (const Entry& entry : entries_) {
    if (entry.scheduler_name == scheduler_name) return &entry;
  }
  return nullptr;
}

}  // namespace keelson::scheduler
