#include <array>

#include "core/api/json.hpp"
#include "core/rest/tables/cells.hpp"
#include "core/rest/tables/loose.hpp"

namespace keelson::rest {
namespace {

constexpr std::array columns_of_scale = {
    name_column,
    Column{"Desired", "integer", "", "How many replicas there should be.", 0},
    Column{"Available", "integer", "", "How many replicas there are at the moment.", 0},
    age_column,
};

}  // namespace

std::span<const Column> scale_columns() { return columns_of_scale; }

LooseRow scale_row(const api::Message& message, WallTime now) {
  const auto& scale = static_cast<const api::Scale&>(message);
  LooseRow row;
  Cells cells(row.cells, now);
  cells.text(scale.metadata().name());
  cells.number(scale.spec().replicas());
  cells.number(scale.status().replicas());
  cells.age(scale.metadata());
  cells.end();
  row.metadata = api::encode_message(scale.metadata());
  row.object = api::encode_message(scale);
  return row;
}

}  // namespace keelson::rest
