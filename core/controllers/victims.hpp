// Which pods of a ReplicaSet go first when it has too many (RS-3).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/client/view.hpp"

namespace keelson::controllers {

using PodRef = api::Ref<api::Pod>;

// The `count` least valuable of `pods`, in the order in which they should go. `related` has the
// number of active pods of the same workload per node.
std::vector<PodRef> choose_victims(std::vector<PodRef> pods, std::size_t count,
                                   const std::map<std::string, int>& related);

}  // namespace keelson::controllers
