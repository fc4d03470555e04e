#include "core/controllers/witness_board.hpp"

#include "core/client/witness.hpp"

namespace keelson::controllers {

void WitnessBoard::set(Questions questions) {
  wanted_ = std::move(questions);
  sync();
}

WitnessBoard::Questions WitnessBoard::shown() const {
  Questions shown;
  if (!current_) return shown;
  const auto& data = current_->as<api::ConfigMap>().data();
  shown.insert(data.begin(), data.end());
  return shown;
}

void WitnessBoard::sync() {
  if (busy_) return;
  if (!loaded_) {
    load();
  } else if (shown() != wanted_) {
    write();
  }
}

void WitnessBoard::load() {
  busy_ = true;
  send_(api::get(api::Kind::config_maps, std::string(client::kWitnessNamespace),
                 std::string(client::kWitnessConfigMap)),
        [this](api::Response response) {
          busy_ = false;
          if (!response.ok() && response.error.reason != api::Reason::not_found) return;
          current_ = response.ok() ? std::move(response.object) : nullptr;
          loaded_ = true;
          sync();
        });
}

void WitnessBoard::write() {
  busy_ = true;
  api::ConfigMap map;
  if (current_) map = current_->as<api::ConfigMap>();
  map.mutable_metadata()->set_namespace_(std::string(client::kWitnessNamespace));
  map.mutable_metadata()->set_name(std::string(client::kWitnessConfigMap));
  map.clear_data();
  for (const auto& [suspect, question] : wanted_) (*map.mutable_data())[suspect] = question;
  const api::Revision revision = current_ ? current_->revision() : api::Revision{};
  const api::ObjectPtr object = api::make_object(std::move(map), revision);
  send_(current_ ? api::update(object) : api::create(object), [this](api::Response response) {
    busy_ = false;
    if (response.ok() && response.object) {
      current_ = std::move(response.object);
      sync();
    } else {
      loaded_ = false;  // somebody else wrote, or the outcome is unknown: read before writing again
    }
  });
}

}  // namespace keelson::controllers
