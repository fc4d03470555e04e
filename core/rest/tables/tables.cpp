#include "core/rest/tables/tables.hpp"

#include "core/api/json.hpp"
#include "core/api/json_text.hpp"
#include "core/rest/tables/loose.hpp"
#include "core/rest/tables/printer.hpp"

namespace keelson::rest {
namespace {

// What rows and items take on average, to spare large lists the copying of a growing string.
constexpr std::size_t item_bytes = 1200;

// {"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":
void append_head(std::string_view kind, std::string_view version, std::string& out) {
  out += R"({"kind":")";
  out += kind;
  out += R"(","apiVersion":"meta.k8s.io/)";
  out += version;
  out += R"(","metadata":)";
}

void append_header(const ListHeader& header, std::string& out) {
  out += '{';
  const auto key = [&](std::string_view name) {
    if (out.back() != '{') out += ',';
    out += name;
  };
  if (!header.revision.empty()) {
    key(R"("resourceVersion":)");
    api::append_json_string(header.revision, out);
  }
  if (!header.continue_token.empty()) {
    key(R"("continue":)");
    api::append_json_string(header.continue_token, out);
  }
  if (header.remaining) {
    key(R"("remainingItemCount":)");
    out += std::to_string(*header.remaining);
  }
  out += '}';
}

void append_columns(std::span<const Column> columns, std::string& out) {
  out += '[';
  for (const Column& column : columns) {
    if (&column != columns.data()) out += ',';
    out += R"({"name":)";
    api::append_json_string(column.name, out);
    out += R"(,"type":)";
    api::append_json_string(column.type, out);
    out += R"(,"format":)";
    api::append_json_string(column.format, out);
    out += R"(,"description":)";
    api::append_json_string(column.description, out);
    out += R"(,"priority":)";
    out += std::to_string(column.priority);
    out += '}';
  }
  out += ']';
}

// The metadata in the text of an object; empty: it has none.
std::string_view metadata_in(std::string_view text) {
  constexpr std::string_view key = R"("metadata":)";
  const std::size_t at = text.find(key);
  if (at == text.npos) return {};
  text.remove_prefix(at + key.size());
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\';
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return text.substr(0, i + 1);
    }
  }
  return {};
}

void append_partial_metadata(const api::Object& object, std::string_view version,
                             const std::string* text, std::string& out) {
  append_head("PartialObjectMetadata", version, out);
  const std::string_view ready = text ? metadata_in(*text) : std::string_view();
  if (ready.empty()) {
    api::append_metadata(object, out);
  } else {
    out += ready;
  }
  out += '}';
}

void append_row(const api::Object& object, const Printer& printer, WallTime now,
                const TableOptions& options, const std::string* text, std::string& out) {
  out += R"({"cells":)";
  Cells cells(out, now);
  printer.cells(object, cells);
  cells.end();
  if (printer.conditions) {
    constexpr std::string_view key = R"(,"conditions":)";
    out += key;
    const std::size_t before = out.size();
    printer.conditions(object, out);
    if (out.size() == before) out.erase(before - key.size());
  }
  out += R"(,"object":)";
  switch (options.include) {
    case IncludeObject::none: out += "null"; break;
    case IncludeObject::metadata:
      append_partial_metadata(object, options.version, text, out);
      break;
    case IncludeObject::object:
      options.append_object ? options.append_object(object, out) : api::append_object(object, out);
      break;
  }
  out += '}';
}

}  // namespace

std::span<const Column> columns(api::Kind kind) { return printer_of(kind).columns; }

void append_cells(const api::Object& object, WallTime now, std::string& out) {
  Cells cells(out, now);
  printer_of(object.kind()).cells(object, cells);
  cells.end();
}

void append_row_conditions(const api::Object& object, std::string& out) {
  const Printer& printer = printer_of(object.kind());
  if (printer.conditions) printer.conditions(object, out);
}

std::string encode_table(api::Kind kind, std::span<const api::ObjectPtr> items,
                         const ListHeader& header, WallTime now, const TableOptions& options) {
  const Printer& printer = printer_of(kind);
  ListHeader head = header;
  std::string own_revision;
  if (head.revision.empty() && items.size() == 1 && items[0]->revision()) {
    own_revision = to_string(items[0]->revision());
    head.revision = own_revision;
  }
  std::string out;
  out.reserve(2048 + items.size() * item_bytes);
  append_head("Table", options.version, out);
  append_header(head, out);
  out += R"(,"columnDefinitions":)";
  if (options.with_columns) {
    append_columns(printer.columns, out);
  } else {
    out += "null";
  }
  out += R"(,"rows":[)";
  for (const api::ObjectPtr& item : items) {
    if (&item != items.data()) out += ',';
    const std::size_t index = static_cast<std::size_t>(&item - items.data());
    const std::string* text = index < options.texts.size() ? options.texts[index].get() : nullptr;
    append_row(*item, printer, now, options, text, out);
  }
  out += "]}";
  return out;
}

std::string encode_loose_table(std::span<const Column> columns, std::span<const LooseRow> rows,
                               const ListHeader& header, const TableOptions& options) {
  std::string out;
  append_head("Table", options.version, out);
  append_header(header, out);
  out += R"(,"columnDefinitions":)";
  append_columns(columns, out);
  out += R"(,"rows":[)";
  for (const LooseRow& row : rows) {
    if (&row != rows.data()) out += ',';
    out += R"({"cells":)" + row.cells + R"(,"object":)";
    switch (options.include) {
      case IncludeObject::none: out += "null"; break;
      case IncludeObject::metadata: out += encode_loose_metadata(row, options.version); break;
      case IncludeObject::object: out += row.object; break;
    }
    out += '}';
  }
  out += "]}";
  return out;
}

std::string encode_loose_metadata(const LooseRow& row, std::string_view version) {
  std::string out;
  append_head("PartialObjectMetadata", version, out);
  return out + row.metadata + "}";
}

std::string encode_loose_metadata_list(std::span<const LooseRow> rows, const ListHeader& header,
                                       std::string_view version) {
  std::string out;
  append_head("PartialObjectMetadataList", version, out);
  append_header(header, out);
  out += R"(,"items":[)";
  for (const LooseRow& row : rows) {
    if (&row != rows.data()) out += ',';
    out += encode_loose_metadata(row, version);
  }
  out += "]}";
  return out;
}

std::string encode_partial_metadata(const api::Object& object, std::string_view version) {
  std::string out;
  out.reserve(item_bytes);
  append_partial_metadata(object, version, nullptr, out);
  return out;
}

std::string encode_partial_metadata_list(std::span<const api::ObjectPtr> items,
                                         const ListHeader& header, std::string_view version) {
  std::string out;
  out.reserve(256 + items.size() * item_bytes);
  append_head("PartialObjectMetadataList", version, out);
  append_header(header, out);
  out += R"(,"items":[)";
  for (const api::ObjectPtr& item : items) {
    if (&item != items.data()) out += ',';
    append_partial_metadata(*item, version, nullptr, out);
  }
  out += "]}";
  return out;
}

}  // namespace keelson::rest
