// Tables of what is no stored object: a Scale, measurements. Their rows are made where they are known.
#pragma once

#include <string>

#include "core/api/object.hpp"
#include "core/rest/tables/tables.hpp"

namespace keelson::rest {

// One row and what it stands for, as JSON.
struct LooseRow {
  std::string cells;     // an array
  std::string metadata;  // the object's
  std::string object;    // the whole
};

std::string encode_loose_table(std::span<const Column> columns, std::span<const LooseRow> rows,
                               const ListHeader& header, const TableOptions& options);
std::string encode_loose_metadata(const LooseRow& row, std::string_view version);
std::string encode_loose_metadata_list(std::span<const LooseRow> rows, const ListHeader& header,
                                       std::string_view version);

std::span<const Column> scale_columns();
// REQUIRES: `scale` is a Scale.
LooseRow scale_row(const api::Message& scale, WallTime now);

}  // namespace keelson::rest
