// Who calls: what authentication has found out. Source: k8s.io/apiserver's user.Info.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace keelson::api {

struct UserInfo {
  std::string name;  // "system:node:n1", "jane"
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;

  bool in_group(std::string_view group) const {
    for (const std::string& g : groups) {
      if (g == group) return true;
    }
    return false;
  }
};
using UserPtr = std::shared_ptr<const UserInfo>;

}  // namespace keelson::api
